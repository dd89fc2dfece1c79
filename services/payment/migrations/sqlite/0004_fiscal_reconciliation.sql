-- Fiscal receipts that are asked of Click by a call of ours: one for each sale that Click has confirmed. It is written with the money.
create table fiscal_outbox (
    payment_id text    primary key references payments,
    paydoc_id  integer not null,
    state      text    not null check (state in ('waiting', 'sent', 'done', 'skipped', 'failed')),
    attempts   integer not null default 0 check (attempts >= 0),
    next_at    integer not null,
    error      text    not null default '',
    written_at integer not null
) strict, without rowid;
create index fiscal_outbox_due on fiscal_outbox (next_at) where state in ('waiting', 'sent');

create trigger click_fiscal after update of state on click_transactions
when new.state = 'confirmed' and old.state <> 'confirmed'
begin
    insert or ignore into fiscal_outbox (payment_id, paydoc_id, state, next_at, written_at)
    values (new.payment_id, new.click_paydoc_id, 'waiting', new.changed_at, new.changed_at);
end;

-- Comparisons with what providers say.
create table reconciliations (
    id          text    primary key,
    provider    text    not null check (provider in ('payme', 'click', 'uzcard', 'stripe')),
    cause       text    not null check (cause in ('nightly', 'demand', 'upload')),
    -- The same key is run once.
    key         text    not null unique,
    period_from integer not null,
    period_to   integer not null,
    state       text    not null check (state in ('waiting', 'running', 'done', 'failed')),
    compared    integer not null default 0,
    unanswered  integer not null default 0,
    found       integer not null default 0,
    fixed       integer not null default 0 check (fixed <= found),
    note        text    not null default '',
    started_at  integer not null,
    -- Whoever runs it is given up by then.
    lease_until integer not null default 0,
    ended_at    integer,
    check (period_from < period_to),
    check ((state in ('done', 'failed')) = (ended_at is not null))
) strict;
create index reconciliations_open on reconciliations (started_at) where state in ('waiting', 'running');

create table differences (
    id           text    primary key,
    run_id       text    not null references reconciliations,
    provider     text    not null,
    class        text    not null check (class in ('paid_there_only', 'paid_here_only', 'amount', 'state')),
    outcome      text    not null check (outcome in ('fixed', 'frozen', 'resolved')),
    reference    text    not null,
    provider_ref text    not null,
    payment_id   text    references payments,
    order_id     text,
    our_state    text    check (our_state in ('open', 'paid', 'ended')),
    our_amount   integer,
    their_state  text    check (their_state in ('open', 'paid', 'ended')),
    their_amount integer,
    note         text    not null,
    found_at     integer not null,
    seen_at      integer not null,
    settled_at   integer,
    check ((outcome = 'frozen') = (settled_at is null)),
    check (our_state is not null or their_state is not null),
    check ((our_state is null) = (payment_id is null))
) strict;
-- What is frozen is found again each night: it is one difference until somebody has looked at it.
create unique index differences_frozen on differences (provider, provider_ref, class) where outcome = 'frozen';

create trigger differences_moves before update of outcome on differences
when not (old.outcome = new.outcome or (old.outcome = 'frozen' and new.outcome = 'resolved'))
begin
    select raise(abort, 'differences.outcome: no such move');
end;

-- Keys that a provider has changed by its own call; digests, for nothing here needs the key itself.
create table provider_keys (
    provider   text    primary key,
    -- The digest of the configured key that this one replaces: a newly configured key is in force again.
    replaces   blob    not null check (length(replaces) = 32),
    digest     blob    not null check (length(digest) = 32),
    changed_at integer not null
) strict;
