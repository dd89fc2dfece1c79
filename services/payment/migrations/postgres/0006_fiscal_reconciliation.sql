create domain fiscal_state as text constraint fiscal_state check (value in
    ('waiting', 'sent', 'done', 'skipped', 'failed'));
create domain run_state as text constraint run_state check (value in ('waiting', 'running', 'done', 'failed'));
create domain run_cause as text constraint run_cause check (value in ('nightly', 'demand', 'upload'));
create domain difference_class as text constraint difference_class check (value in
    ('paid_there_only', 'paid_here_only', 'amount', 'state'));
create domain difference_outcome as text constraint difference_outcome check (value in ('fixed', 'frozen', 'resolved'));
create domain standing as text constraint standing check (value in ('open', 'paid', 'ended'));
create domain digest as bytea constraint digest check (length(value) = 32);

-- Fiscal receipts that are asked of Click by a call of ours: one for each sale that Click has confirmed. It is written with the money.
create table fiscal_outbox (
    payment_id uuid         constraint fiscal_outbox_pkey primary key
               constraint fiscal_outbox_payment references payments (id),
    paydoc_id  bigint       not null,
    state      fiscal_state not null,
    attempts   count_from_zero not null default 0,
    next_at    timestamptz  not null,
    error      text         not null default '',
    written_at timestamptz  not null
);

create index fiscal_outbox_due on fiscal_outbox (next_at) where state in ('waiting', 'sent');

create function ask_for_receipt() returns trigger language plpgsql as $$
begin
    insert into fiscal_outbox (payment_id, paydoc_id, state, next_at, written_at)
    values (new.payment_id, new.click_paydoc_id, 'waiting', new.changed_at, new.changed_at) on conflict do nothing;
    return null;
end
$$;

create trigger click_fiscal after update on click_transactions for each row
when (new.state = 'confirmed' and old.state <> 'confirmed') execute function ask_for_receipt();

-- Comparisons with what providers say.
create table reconciliations (
    id          uuid        constraint reconciliations_pkey primary key,
    provider    provider    not null,
    cause       run_cause   not null,
    -- The same key is run once.
    key         text        not null constraint reconciliations_key unique,
    period_from timestamptz not null,
    period_to   timestamptz not null,
    state       run_state   not null,
    compared    count_from_zero not null default 0,
    unanswered  count_from_zero not null default 0,
    found       count_from_zero not null default 0,
    fixed       count_from_zero not null default 0,
    note        text        not null default '',
    started_at  timestamptz not null,
    -- Whoever runs it is given up by then.
    lease_until timestamptz not null,
    ended_at    timestamptz,
    constraint reconciliations_period check (period_from < period_to),
    constraint reconciliations_fixed check (fixed <= found),
    constraint reconciliations_ended check ((state in ('done', 'failed')) = (ended_at is not null))
);

create index reconciliations_open on reconciliations (started_at) where state in ('waiting', 'running');

create table differences (
    id           uuid               constraint differences_pkey primary key,
    run_id       uuid               not null constraint differences_run references reconciliations (id),
    provider     provider           not null,
    class        difference_class   not null,
    outcome      difference_outcome not null,
    reference    text               not null,
    provider_ref text               not null,
    payment_id   uuid               constraint differences_payment references payments (id),
    order_id     uuid,
    our_state    standing,
    our_amount   bigint,
    their_state  standing,
    their_amount bigint,
    note         text               not null,
    found_at     timestamptz        not null,
    seen_at      timestamptz        not null,
    settled_at   timestamptz,
    constraint differences_settled check ((outcome = 'frozen') = (settled_at is null)),
    constraint differences_of_something check (our_state is not null or their_state is not null),
    constraint differences_of_a_payment check ((our_state is null) = (payment_id is null))
);

-- What is frozen is found again each night: it is one difference until somebody has looked at it.
create unique index differences_frozen on differences (provider, provider_ref, class) where outcome = 'frozen';

create trigger differences_moves before update on differences for each row
when (not (old.outcome = new.outcome or (old.outcome = 'frozen' and new.outcome = 'resolved')))
execute function no_such_move();

-- Keys that a provider has changed by its own call; digests, for nothing here needs the key itself.
create table provider_keys (
    provider   provider    constraint provider_keys_pkey primary key,
    -- The digest of the configured key that this one replaces: a newly configured key is in force again.
    replaces   digest      not null,
    digest     digest      not null,
    changed_at timestamptz not null
);

-- Cash has no provider that could hold the order: it is paid at the door.
drop trigger payments_moves on payments;
create trigger payments_moves before update on payments for each row
when (new.version <> old.version + 1 or not (
    (old.status = 'pending' and new.status in ('pending', 'processing', 'cancelled', 'failed'))
    or (old.status = 'pending' and new.status = 'paid' and new.provider = 'cash')
    or (old.status = 'processing' and new.status in ('processing', 'paid', 'cancelled', 'failed'))
    or (old.status in ('paid', 'partially_refunded') and new.status in ('refunded', 'partially_refunded'))))
execute function no_such_move();
