create domain hosted_provider as text constraint hosted_provider check (value in ('uzcard', 'stripe'));
create domain hosted_state as text constraint hosted_state check (value in
    ('new', 'asked', 'open', 'paid', 'ended', 'stray', 'returning', 'returned'));
create domain count_from_zero as integer constraint count_from_zero check (value >= 0);
create domain count_from_one as integer constraint count_from_one check (value > 0);

-- Payments on pages that a provider makes when it is asked to: UzCard (by ATMOS) and Stripe. Whoever writes one holds the order's row
-- in `payables`.
create table hosted_payments (
    payment_id    uuid            constraint hosted_pkey primary key constraint hosted_payment references payments (id),
    order_id      uuid            not null constraint hosted_payable references payables (order_id),
    provider      hosted_provider not null,
    -- What is charged, in hundredths of the currency that is charged.
    amount        price           not null,
    currency      currency        not null,
    -- Tiyin for one unit of that currency when the payment was opened; null: so'm are charged.
    rate          price,
    -- What the provider is told that the order is called.
    account       text            not null,
    state         hosted_state    not null,
    -- Names the request for a page, with the payment: a new one when the answer to the last one can only be repeated.
    attempt       count_from_one  not null,
    -- The provider's name of the page's transaction, and of the debit.
    remote_id     text,
    charge_id     text,
    -- Since when somebody waits for an answer.
    asked_at      timestamptz,
    opened_at     timestamptz,
    -- When the provider was told last that it may take the money.
    agreed_at     timestamptz,
    checks        count_from_zero not null,
    -- When to ask the provider how it stands; null: never again.
    next_check_at timestamptz,
    -- What people have to look at; empty mostly.
    trouble       text            not null,
    constraint hosted_remote_id unique (provider, remote_id),
    constraint hosted_named_when_open check ((state in ('new', 'asked')) = (remote_id is null)),
    constraint hosted_charged check (state not in ('paid', 'stray', 'returning', 'returned') or charge_id is not null),
    constraint hosted_asked check (state not in ('asked', 'returning') or asked_at is not null),
    constraint hosted_opened check (remote_id is null or opened_at is not null)
) with (fillfactor = 80);

create index hosted_due on hosted_payments (next_check_at) where next_check_at is not null;
create index hosted_of_order on hosted_payments (order_id);

create trigger hosted_moves before update on hosted_payments for each row
when (not (old.state = new.state
           or (old.state = 'new' and new.state = 'asked')
           or (old.state = 'asked' and new.state in ('new', 'open'))
           or (old.state = 'open' and new.state in ('paid', 'ended', 'stray'))
           or (old.state = 'ended' and new.state = 'stray')
           or (old.state = 'stray' and new.state = 'returning')
           or (old.state = 'returning' and new.state in ('stray', 'returned'))))
execute function no_such_move();

-- A payment that ended otherwise: its page is taken down at the next look, whatever the schedule says.
create function look_at_once() returns trigger language plpgsql as $$
begin
    update hosted_payments set next_check_at = 'epoch'
    where payment_id = new.id and state = 'open' and next_check_at is not null;
    return null;
end
$$;

create trigger hosted_hurry after update on payments for each row
when (new.status = 'cancelled' and old.status <> 'cancelled' and new.provider in ('uzcard', 'stripe'))
execute function look_at_once();

-- What of a charge goes back with a refund, and what the provider calls it.
create table hosted_refunds (
    refund_id  uuid  constraint hosted_refunds_pkey primary key constraint hosted_refunds_refund references refunds (id),
    payment_id uuid  not null constraint hosted_refunds_payment references hosted_payments (payment_id),
    -- Hundredths of the currency that was charged.
    amount     tiyin not null,
    remote_id  text
);

create index hosted_refunds_of_payment on hosted_refunds (payment_id);

create function no_more_than_charged() returns trigger language plpgsql as $$
begin
    if (select coalesce(sum(amount), 0) from hosted_refunds where payment_id = new.payment_id) + new.amount
       > (select amount from hosted_payments where payment_id = new.payment_id) then
        raise exception 'hosted_refunds: more than was charged'
            using errcode = 'check_violation', constraint = tg_name, table = tg_table_name;
    end if;
    return new;
end
$$;

create trigger hosted_refunds_sum before insert on hosted_refunds for each row execute function no_more_than_charged();

-- Events of providers that had their effect: each is told at least once, and counts once.
create table provider_events (
    provider    provider    not null,
    event       text        not null,
    received_at timestamptz not null,
    constraint provider_events_pkey primary key (provider, event)
);

create index provider_events_at on provider_events (received_at);
