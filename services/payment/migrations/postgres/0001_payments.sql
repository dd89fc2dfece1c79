-- What is known of an order: enough to answer providers while every other service is away.
--
-- Whoever changes an order or anything that belongs to it raises the version here in the same statement, over the version that was
-- read: of several processes one succeeds, and the others look again.
create table payables (
    order_id       uuid        constraint payables_pkey primary key,
    -- The order's number: what providers know it by.
    reference      text        not null constraint payables_reference unique,
    -- Zero only for an order that was closed before anything else was heard of it.
    amount         bigint      not null constraint payables_amount check (amount >= 0),
    currency       text        not null constraint payables_currency check (currency ~ '^[A-Z]{3}$'),
    payable_until  timestamptz not null,
    state          text        not null
                   constraint payables_state check (state in ('open', 'closed', 'paid')),
    closed_reason  text        not null,
    lines          jsonb       not null
                   constraint payables_lines check (jsonb_typeof(lines) = 'array'),
    delivery       bigint      not null constraint payables_delivery check (delivery >= 0),
    locale         text        not null,
    customer_phone text        not null,
    delivered_at   timestamptz,
    version        bigint      not null constraint payables_version check (version > 0),
    constraint payables_closed_for_a_reason check ((state = 'closed') = (closed_reason <> '')),
    constraint payables_cost_something check (amount > 0 or state = 'closed')
) with (fillfactor = 80);

-- One try to pay an order with one provider.
create table payments (
    id           uuid        constraint payments_pkey primary key,
    order_id     uuid        not null constraint payments_payable references payables (order_id),
    provider     text        not null
                 constraint payments_provider check (provider in ('payme', 'click', 'uzcard', 'stripe', 'cash')),
    status       text        not null constraint payments_status check (status in
        ('pending', 'processing', 'paid', 'failed', 'cancelled', 'refunded', 'partially_refunded')),
    amount       bigint      not null constraint payments_amount check (amount > 0),
    currency     text        not null constraint payments_currency check (currency ~ '^[A-Z]{3}$'),
    key          text        not null constraint payments_key unique,
    redirect_url text        not null,
    -- The provider's own name of the transaction.
    provider_ref text        not null,
    created_at   timestamptz not null,
    expires_at   timestamptz,
    paid_at      timestamptz,
    version      bigint      not null constraint payments_version check (version > 0),
    constraint payments_paid_since
        check ((status in ('paid', 'refunded', 'partially_refunded')) = (paid_at is not null)),
    constraint payments_holds_end check (status <> 'processing' or expires_at is not null)
);

-- Whichever providers there are, one of them at most holds an order or has been paid for it.
create unique index payments_live on payments (order_id)
    where status in ('processing', 'paid', 'partially_refunded');
create index payments_order on payments (order_id, id);
-- What the sweep looks for.
create index payments_due on payments (expires_at) where status = 'processing';

create table payme_transactions (
    row          bigint      generated always as identity constraint payme_pkey primary key,
    payme_id     text        not null constraint payme_id unique,
    payment_id   uuid        not null constraint payme_payment_once unique
                 constraint payme_payment references payments (id),
    order_id     uuid        not null constraint payme_payable references payables (order_id),
    -- Payme's time of creation: the 12 hours and statements count from it.
    payme_time   timestamptz not null,
    create_time  timestamptz not null,
    perform_time timestamptz,
    cancel_time  timestamptz,
    state        integer     not null constraint payme_state check (state in (1, 2, -1, -2)),
    reason       bigint,
    amount       bigint      not null constraint payme_amount check (amount > 0),
    -- As it was received: jsonb would write it anew.
    account      json        not null,
    constraint payme_performed_since check ((state in (2, -2)) = (perform_time is not null)),
    constraint payme_cancelled_since check ((state < 0) = (cancel_time is not null)),
    constraint payme_cancelled_for_a_reason check (state < 0 or reason is null)
);

create unique index payme_live on payme_transactions (order_id) where state in (1, 2);
create index payme_statement on payme_transactions (payme_time, row);

-- Click wants an integer; a number is never given twice. Some are given to attempts that come to nothing.
create sequence click_prepare_ids as bigint;

create table click_transactions (
    prepare_id      bigint      constraint click_pkey primary key,
    click_trans_id  bigint      not null constraint click_trans_id unique,
    click_paydoc_id bigint      not null,
    confirm_id      bigint      constraint click_confirm_id unique,
    payment_id      uuid        not null constraint click_of_payment references payments (id),
    order_id        uuid        not null constraint click_payable references payables (order_id),
    reference       text        not null,
    -- As it was received; the signature covers the text.
    amount_text     text        not null,
    amount          bigint      not null constraint click_amount check (amount > 0),
    state           text        not null
                    constraint click_state check (state in ('prepared', 'confirmed', 'cancelled')),
    prepared_at     timestamptz not null,
    changed_at      timestamptz not null,
    -- When Click asked to cancel what was already confirmed.
    disputed_at     timestamptz,
    constraint click_confirmed_by_number check ((state = 'confirmed') = (confirm_id is not null)),
    constraint click_disputes_what_is_confirmed check (disputed_at is null or state = 'confirmed')
);

alter sequence click_prepare_ids owned by click_transactions.prepare_id;
create unique index click_confirmed on click_transactions (order_id) where state = 'confirmed';
create index click_payment on click_transactions (payment_id);

-- What the tax office's receipt says, once for the sale and once for its return.
create table fiscal_receipts (
    payment_id  uuid        not null constraint fiscal_receipts_payment references payments (id),
    kind        text        not null constraint fiscal_receipts_kind check (kind in ('PERFORM', 'CANCEL')),
    -- As it was received.
    body        json        not null,
    received_at timestamptz not null,
    constraint fiscal_receipts_pkey primary key (payment_id, kind)
);

-- What providers asked and what they were told, without credentials and signatures.
create table callback_inbox (
    row       bigint      generated always as identity constraint callback_inbox_pkey primary key,
    at        timestamptz not null,
    provider  text        not null,
    method    text        not null,
    remote_ip text        not null,
    request   text        not null,
    status    integer     not null,
    answer    text        not null
);

create index callback_inbox_at on callback_inbox (at);

create function no_such_move() returns trigger language plpgsql as $$
begin
    raise exception '%: no such move', tg_table_name
        using errcode = 'check_violation', constraint = tg_name, table = tg_table_name;
end
$$;

-- The machines, and that nothing is written but over the version that was read.
create trigger payables_moves before update on payables for each row
when (new.version <> old.version + 1
      or not (old.state = new.state or old.state = 'open' or (old.state = 'paid' and new.state = 'closed')))
execute function no_such_move();

create trigger payments_moves before update on payments for each row
when (new.version <> old.version + 1 or not (
    (old.status = 'pending' and new.status in ('pending', 'processing', 'cancelled', 'failed'))
    or (old.status = 'processing' and new.status in ('processing', 'paid', 'cancelled', 'failed'))
    or (old.status in ('paid', 'partially_refunded') and new.status in ('refunded', 'partially_refunded'))))
execute function no_such_move();

create trigger payme_moves before update on payme_transactions for each row
when (not (old.state = new.state or (old.state = 1 and new.state in (2, -1)) or (old.state = 2 and new.state = -2)))
execute function no_such_move();

create trigger click_moves before update on click_transactions for each row
when (not (old.state = new.state or old.state = 'prepared'))
execute function no_such_move();

create table outbox (
    row          bigint      generated always as identity primary key,
    event        uuid        not null,
    subscriber   text        not null,
    kind         text        not null,
    subject      text        not null,
    payload      bytea       not null,
    written_at   timestamptz not null,
    next_at      timestamptz not null,
    leased_until timestamptz,
    attempts     integer     not null default 0,
    parked       boolean     not null default false,
    error        text,
    unique (event, subscriber)
);

create index outbox_due on outbox (subscriber, row) where not parked;
