-- What merchants agreed to by their plan.
alter table merchants add column plan text not null default '';

create domain ledger_account as text constraint ledger_account check (value in
    ('clearing', 'shopper', 'merchant', 'commission', 'commission_vat', 'discounts', 'delivery', 'payouts', 'bank', 'adjustments'));
create domain ledger_kind as text constraint ledger_kind check (value in
    ('payment', 'sale', 'commission', 'refund', 'delivery', 'payout', 'adjustment'));
create domain payout_state as text constraint payout_state check (value in ('draft', 'approved', 'paid', 'failed'));
create domain payout_move as text constraint payout_move check (value in ('approve', 'paid', 'failed'));

-- Merchants' sales, as reports count them, and from when the money of each is theirs to have.
create table sales (
    merchant_id  uuid        not null,
    order_id     uuid        not null constraint sales_order references orders (id),
    sold_at      timestamptz not null,
    pieces       stock       not null,
    gross        tiyin       not null,
    discount     tiyin       not null,
    currency     currency    not null,
    available_at timestamptz not null default 'infinity',
    constraint sales_pkey primary key (merchant_id, order_id),
    constraint sales_discount check (discount <= gross)
);

create index sales_pending on sales (merchant_id, available_at);
create index sales_by_time on sales (merchant_id, sold_at);
create index sales_newest on sales (sold_at) include (gross, discount);

-- Sums for merchants, one for each period. The sum is set aside in the ledger while it waits.
create table payouts (
    id          uuid         constraint payouts_pkey primary key,
    merchant_id uuid         not null,
    currency    currency     not null,
    amount      price        not null,
    period_end  timestamptz  not null,
    state       payout_state not null,
    reference   text         not null default '',
    reason      text         not null default '',
    created_at  timestamptz  not null,
    changed_at  timestamptz  not null,
    constraint payouts_of_period unique (merchant_id, currency, period_end),
    constraint payouts_reference check (reference = '' or state in ('paid', 'failed')),
    constraint payouts_paid check (state <> 'paid' or reference <> ''),
    constraint payouts_failed check ((state = 'failed') = (reason <> ''))
);

create index payouts_newest on payouts (created_at desc, id desc);
create index payouts_of_merchant on payouts (merchant_id, created_at desc, id desc);
create index payouts_by_state on payouts (state, created_at desc, id desc);

-- Who moved a payout, with the answer for repeats of the request.
create table payout_moves (
    payout_id    uuid        not null constraint payout_moves_payout references payouts (id),
    move         payout_move not null,
    scope        text        not null,
    key          text        not null,
    request_hash bytea       not null,
    response     bytea       not null,
    actor        text        not null,
    at           timestamptz not null,
    constraint payout_moves_pkey primary key (payout_id, move),
    constraint payout_moves_key unique (scope, key)
);

-- How far the making of payouts for a period is: several processes take turns.
create table payout_runs (
    period_end timestamptz constraint payout_runs_pkey primary key,
    -- The last merchant that was looked at.
    merchant   uuid        not null default '00000000-0000-0000-0000-000000000000',
    finished   boolean     not null default false
);

-- Every row takes a sum from one account and gives it to another: the ledger is in balance whatever rows it has.
create table ledger (
    id            uuid           constraint ledger_pkey primary key,
    at            timestamptz    not null,
    kind          ledger_kind    not null,
    -- Whose ledger shows it; null for what is between shopper and platform.
    merchant_id   uuid,
    order_id      uuid           constraint ledger_order references orders (id),
    -- The order's version that it came with.
    order_version bigint,
    payout_id     uuid           constraint ledger_payout references payouts (id),
    debit         ledger_account not null,
    credit        ledger_account not null,
    currency      currency       not null,
    amount        price          not null,
    constraint ledger_sides check (debit <> credit),
    constraint ledger_merchant check (merchant_id is not null or 'merchant' not in (debit, credit)),
    constraint ledger_cause check (num_nonnulls(order_id, payout_id) = (kind <> 'adjustment')::int
                                   and (kind = 'payout') = (payout_id is not null)
                                   and (order_id is null) = (order_version is null))
);

-- A move of an order posts each thing once, and so does one of a payout.
create unique index ledger_of_move on ledger (order_id, order_version, payout_id, merchant_id, debit, credit)
    nulls not distinct where kind <> 'adjustment';

-- Statements, and their sums without a look at the rows.
create index ledger_of_merchant on ledger (merchant_id, at, id) include (kind, debit, credit, currency, amount)
    where merchant_id is not null;
create index ledger_commissions on ledger (at) include (debit, credit, amount) where kind = 'commission';
create index ledger_of_payout on ledger (payout_id) where payout_id is not null;

create function ledger_append_only() returns trigger language plpgsql as $$
begin
    raise exception 'the ledger is append-only' using errcode = 'integrity_constraint_violation', constraint = 'ledger_append_only';
end $$;

create trigger ledger_append_only before update or delete on ledger for each row execute function ledger_append_only();
create trigger ledger_not_emptied before truncate on ledger for each statement execute function ledger_append_only();

-- What a merchant's account holds, and what of it belongs to sales that may still come back at a moment.
create function ledger_balance(of_merchant uuid, of_currency text, until timestamptz, out total bigint, out pending bigint)
language sql stable as $$
    select (select coalesce(sum(case when credit = 'merchant' then amount when debit = 'merchant' then -amount else 0 end), 0)::bigint
            from ledger where merchant_id = of_merchant and currency = of_currency),
           (select coalesce(sum(case when l.credit = 'merchant' then l.amount when l.debit = 'merchant' then -l.amount else 0 end), 0)::bigint
            from sales s join ledger l on l.order_id = s.order_id and l.merchant_id = s.merchant_id
            where s.merchant_id = of_merchant and s.currency = of_currency and s.available_at > until)
$$;

-- Nobody is paid more than is available: two who pay one merchant take turns, and the second sees what the first has set aside.
create function payouts_available() returns trigger language plpgsql as $$
declare balance record;
begin
    perform pg_advisory_xact_lock(hashtextextended('payouts of ' || new.merchant_id, 0));
    balance := ledger_balance(new.merchant_id, new.currency, new.period_end);
    if new.amount > balance.total - balance.pending then
        raise exception 'more than is available' using errcode = 'check_violation', constraint = 'payouts_available';
    end if;
    return new;
end $$;

create trigger payouts_available before insert on payouts for each row execute function payouts_available();

-- At the end of a transaction the ledger holds aside what a payout that waits is for, and nothing for one that does not.
create function payouts_posted() returns trigger language plpgsql as $$
declare
    aside bigint;
    waits bigint;
begin
    select coalesce(sum(case when credit = 'payouts' then amount when debit = 'payouts' then -amount else 0 end), 0) into aside
    from ledger where payout_id = new.id;
    select case when state in ('draft', 'approved') then amount else 0 end into waits from payouts where id = new.id;
    if aside <> waits then
        raise exception 'payout and ledger differ' using errcode = 'check_violation', constraint = 'payouts_posted';
    end if;
    return null;
end $$;

create constraint trigger payouts_posted after insert or update on payouts deferrable initially deferred
    for each row execute function payouts_posted();

alter table sales enable row level security;
alter table sales force row level security;
create policy of_merchant on sales using (current_setting('um.merchant') in ('*', merchant_id::text));

alter table payouts enable row level security;
alter table payouts force row level security;
create policy of_merchant on payouts using (current_setting('um.merchant') in ('*', merchant_id::text));

alter table ledger enable row level security;
alter table ledger force row level security;
create policy of_merchant on ledger using (current_setting('um.merchant') in ('*', merchant_id::text));
