-- Payments on pages that a provider makes when it is asked to: UzCard (by ATMOS) and Stripe.
create table hosted_payments (
    payment_id    text    primary key references payments,
    order_id      text    not null references payables,
    provider      text    not null check (provider in ('uzcard', 'stripe')),
    -- What is charged, in hundredths of the currency that is charged.
    amount        integer not null check (amount > 0),
    currency      text    not null,
    -- Tiyin for one unit of that currency when the payment was opened; null: so'm are charged.
    rate          integer check (rate > 0),
    -- What the provider is told that the order is called.
    account       text    not null,
    state         text    not null check (state in
        ('new', 'asked', 'open', 'paid', 'ended', 'stray', 'returning', 'returned')),
    -- Names the request for a page, with the payment: a new one when the answer to the last one can only be repeated.
    attempt       integer not null check (attempt > 0),
    -- The provider's name of the page's transaction, and of the debit.
    remote_id     text,
    charge_id     text,
    -- Since when somebody waits for an answer.
    asked_at      integer,
    opened_at     integer,
    -- When the provider was told last that it may take the money.
    agreed_at     integer,
    checks        integer not null check (checks >= 0),
    -- When to ask the provider how it stands; null: never again.
    next_check_at integer,
    -- What people have to look at; empty mostly.
    trouble       text    not null,
    unique (provider, remote_id),
    check ((state in ('new', 'asked')) = (remote_id is null)),
    check (state not in ('paid', 'stray', 'returning', 'returned') or charge_id is not null),
    check (state not in ('asked', 'returning') or asked_at is not null),
    check (remote_id is null or opened_at is not null)
) strict, without rowid;

create index hosted_due on hosted_payments (next_check_at) where next_check_at is not null;
create index hosted_of_order on hosted_payments (order_id);

create trigger hosted_moves before update of state on hosted_payments
when not (old.state = new.state
          or (old.state = 'new' and new.state = 'asked')
          or (old.state = 'asked' and new.state in ('new', 'open'))
          or (old.state = 'open' and new.state in ('paid', 'ended', 'stray'))
          or (old.state = 'ended' and new.state = 'stray')
          or (old.state = 'stray' and new.state = 'returning')
          or (old.state = 'returning' and new.state in ('stray', 'returned')))
begin
    select raise(abort, 'hosted_payments.state: no such move');
end;

-- A payment that ended otherwise: its page is taken down at the next look, whatever the schedule says.
create trigger hosted_hurry after update of status on payments
when new.status = 'cancelled' and old.status <> 'cancelled' and new.provider in ('uzcard', 'stripe')
begin
    update hosted_payments set next_check_at = 0
    where payment_id = new.id and state = 'open' and next_check_at is not null;
end;

-- What of a charge goes back with a refund, and what the provider calls it.
create table hosted_refunds (
    refund_id  text    primary key references refunds,
    payment_id text    not null references hosted_payments,
    -- Hundredths of the currency that was charged.
    amount     integer not null check (amount >= 0),
    remote_id  text
) strict, without rowid;
create index hosted_refunds_of_payment on hosted_refunds (payment_id);

create trigger hosted_refunds_sum before insert on hosted_refunds
when (select coalesce(sum(amount), 0) from hosted_refunds where payment_id = new.payment_id) + new.amount
    > (select amount from hosted_payments where payment_id = new.payment_id)
begin
    select raise(abort, 'hosted_refunds.amount: more than was charged');
end;

-- Events of providers that had their effect: each is told at least once, and counts once.
create table provider_events (
    provider    text    not null,
    event       text    not null,
    received_at integer not null,
    primary key (provider, event)
) strict, without rowid;
create index provider_events_at on provider_events (received_at);
