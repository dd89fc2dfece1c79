-- What merchants agreed to by their plan.
alter table merchants add column plan text not null default '';

-- Merchants' sales, as reports count them, and from when the money of each is theirs to have.
create table sales (
    merchant_id  text    not null,
    order_id     text    not null references orders (id),
    sold_at      integer not null,
    pieces       integer not null check (pieces >= 0),
    gross        integer not null check (gross >= 0),
    discount     integer not null check (discount between 0 and gross),
    currency     text    not null,
    -- The end of time: not known yet.
    available_at integer not null default 9223372036854775807,
    primary key (merchant_id, order_id)
) strict, without rowid;
create index sales_pending on sales (merchant_id, available_at);
create index sales_by_time on sales (merchant_id, sold_at);
create index sales_newest on sales (sold_at, gross, discount);

-- Sums for merchants, one for each period. The sum is set aside in the ledger while it waits.
create table payouts (
    id          text    primary key,
    merchant_id text    not null,
    currency    text    not null,
    amount      integer not null check (amount > 0),
    period_end  integer not null,
    state       text    not null check (state in ('draft', 'approved', 'paid', 'failed')),
    reference   text    not null default '' check (reference = '' or state in ('paid', 'failed')),
    reason      text    not null default '',
    created_at  integer not null,
    changed_at  integer not null,
    unique (merchant_id, currency, period_end),
    check (state <> 'paid' or reference <> ''),
    check ((state = 'failed') = (reason <> ''))
) strict, without rowid;
create index payouts_newest on payouts (created_at desc, id desc);
create index payouts_of_merchant on payouts (merchant_id, created_at desc, id desc);
create index payouts_by_state on payouts (state, created_at desc, id desc);

-- Who moved a payout, with the answer for repeats of the request.
create table payout_moves (
    payout_id    text    not null references payouts (id),
    move         text    not null check (move in ('approve', 'paid', 'failed')),
    scope        text    not null,
    key          text    not null,
    request_hash blob    not null,
    response     blob    not null,
    actor        text    not null,
    at           integer not null,
    primary key (payout_id, move),
    unique (scope, key)
) strict, without rowid;

-- How far the making of payouts for a period is.
create table payout_runs (
    period_end integer primary key,
    -- The last merchant that was looked at.
    merchant   text    not null default '',
    finished   integer not null default 0 check (finished in (0, 1))
) strict;

-- Every row takes a sum from one account and gives it to another: the ledger is in balance whatever rows it has.
create table ledger (
    id            text    primary key,
    at            integer not null,
    kind          text    not null
                  check (kind in ('payment', 'sale', 'commission', 'refund', 'delivery', 'payout', 'adjustment')),
    -- Whose ledger shows it; null for what is between shopper and platform.
    merchant_id   text,
    order_id      text    references orders (id),
    -- The order's version that it came with.
    order_version integer,
    payout_id     text    references payouts (id),
    debit         text    not null check (debit in
                  ('clearing', 'shopper', 'merchant', 'commission', 'commission_vat', 'discounts', 'delivery', 'payouts', 'bank', 'adjustments')),
    credit        text    not null check (credit in
                  ('clearing', 'shopper', 'merchant', 'commission', 'commission_vat', 'discounts', 'delivery', 'payouts', 'bank', 'adjustments')),
    currency      text    not null,
    amount        integer not null check (amount > 0),
    check (debit <> credit),
    check (merchant_id is not null or 'merchant' not in (debit, credit)),
    check ((order_id is not null) + (payout_id is not null) = (kind <> 'adjustment')
           and (kind = 'payout') = (payout_id is not null) and (order_id is null) = (order_version is null))
) strict;
-- A move of an order posts each thing once, and so does one of a payout.
create unique index ledger_of_move on ledger
    (coalesce(order_id, payout_id, id), coalesce(order_version, 0), coalesce(merchant_id, ''), debit, credit);
create index ledger_of_order on ledger (order_id, merchant_id, debit, credit, amount);
create index ledger_of_merchant on ledger (merchant_id, at, id, currency, debit, credit, amount) where merchant_id is not null;
create index ledger_commissions on ledger (at, debit, credit, amount) where kind = 'commission';
create index ledger_of_payout on ledger (payout_id) where payout_id is not null;

create trigger ledger_is_not_changed before update on ledger begin
    select raise(abort, 'the ledger is append-only');
end;
create trigger ledger_is_not_cut before delete on ledger begin
    select raise(abort, 'the ledger is append-only');
end;

-- Nobody is paid more than is available.
create trigger payouts_available before insert on payouts
when new.amount > (
    select coalesce(sum(case when credit = 'merchant' then amount when debit = 'merchant' then -amount else 0 end), 0)
    from ledger where merchant_id = new.merchant_id and currency = new.currency
) - (
    select coalesce(sum(case when l.credit = 'merchant' then l.amount when l.debit = 'merchant' then -l.amount else 0 end), 0)
    from sales s join ledger l on l.order_id = s.order_id and l.merchant_id = s.merchant_id
    where s.merchant_id = new.merchant_id and s.currency = new.currency and s.available_at > new.period_end
) begin
    select raise(abort, 'more than is available');
end;
