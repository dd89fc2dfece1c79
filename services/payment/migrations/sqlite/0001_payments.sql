-- What is known of an order: enough to answer providers while every other service is away.
create table payables (
    order_id       text    primary key,
    -- The order's number: what providers know it by.
    reference      text    not null unique,
    -- Zero only for an order that was closed before anything else was heard of it.
    amount         integer not null check (amount >= 0),
    currency       text    not null,
    payable_until  integer not null,
    state          text    not null check (state in ('open', 'closed', 'paid')),
    closed_reason  text    not null,
    lines          text    not null check (json_valid(lines)),
    delivery       integer not null check (delivery >= 0),
    locale         text    not null,
    customer_phone text    not null,
    delivered_at   integer,
    version        integer not null check (version > 0),
    check ((state = 'closed') = (closed_reason <> '')),
    check (amount > 0 or state = 'closed')
) strict;

-- One try to pay an order with one provider.
create table payments (
    id           text    primary key,
    order_id     text    not null references payables,
    provider     text    not null check (provider in ('payme', 'click', 'uzcard', 'stripe', 'cash')),
    status       text    not null check (status in
        ('pending', 'processing', 'paid', 'failed', 'cancelled', 'refunded', 'partially_refunded')),
    amount       integer not null check (amount > 0),
    currency     text    not null,
    key          text    not null unique,
    redirect_url text    not null,
    -- The provider's own name of the transaction.
    provider_ref text    not null,
    created_at   integer not null,
    expires_at   integer,
    paid_at      integer,
    version      integer not null check (version > 0),
    check ((status in ('paid', 'refunded', 'partially_refunded')) = (paid_at is not null)),
    check (status <> 'processing' or expires_at is not null)
) strict;

-- Whichever providers there are, one of them at most holds an order or has been paid for it.
create unique index payments_live on payments (order_id)
    where status in ('processing', 'paid', 'partially_refunded');
create index payments_order on payments (order_id, id);
-- What the sweep looks for.
create index payments_due on payments (expires_at) where status = 'processing';

create table payme_transactions (
    row          integer primary key,
    payme_id     text    not null unique,
    payment_id   text    not null unique references payments,
    order_id     text    not null references payables,
    -- Payme's time of creation: the 12 hours and statements count from it.
    payme_time   integer not null,
    create_time  integer not null,
    perform_time integer,
    cancel_time  integer,
    state        integer not null check (state in (1, 2, -1, -2)),
    reason       integer,
    amount       integer not null check (amount > 0),
    -- As it was received.
    account      text    not null check (json_valid(account)),
    check ((state in (2, -2)) = (perform_time is not null)),
    check ((state < 0) = (cancel_time is not null)),
    check (state < 0 or reason is null)
) strict;

create unique index payme_live on payme_transactions (order_id) where state in (1, 2);
create index payme_statement on payme_transactions (payme_time, row);

create trigger payme_moves before update of state on payme_transactions
when not (old.state = new.state or (old.state = 1 and new.state in (2, -1)) or (old.state = 2 and new.state = -2))
begin
    select raise(abort, 'payme_transactions.state: no such move');
end;

create table click_transactions (
    -- Click wants an integer; a number is never given twice.
    prepare_id      integer primary key autoincrement,
    click_trans_id  integer not null unique,
    click_paydoc_id integer not null,
    confirm_id      integer unique,
    payment_id      text    not null references payments,
    order_id        text    not null references payables,
    reference       text    not null,
    -- As it was received; the signature covers the text.
    amount_text     text    not null,
    amount          integer not null check (amount > 0),
    state           text    not null check (state in ('prepared', 'confirmed', 'cancelled')),
    prepared_at     integer not null,
    changed_at      integer not null,
    -- When Click asked to cancel what was already confirmed.
    disputed_at     integer,
    check ((state = 'confirmed') = (confirm_id is not null))
) strict;

create unique index click_confirmed on click_transactions (order_id) where state = 'confirmed';
create index click_payment on click_transactions (payment_id);

create trigger click_moves before update of state on click_transactions
when not (old.state = new.state or old.state = 'prepared')
begin
    select raise(abort, 'click_transactions.state: no such move');
end;

-- What the tax office's receipt says, once for the sale and once for its return.
create table fiscal_receipts (
    payment_id  text    not null references payments,
    kind        text    not null check (kind in ('PERFORM', 'CANCEL')),
    body        text    not null check (json_valid(body)),
    received_at integer not null,
    primary key (payment_id, kind)
) strict;

-- What providers asked and what they were told, without credentials and signatures.
create table callback_inbox (
    row       integer primary key,
    at        integer not null,
    provider  text    not null,
    method    text    not null,
    remote_ip text    not null,
    request   text    not null,
    status    integer not null,
    answer    text    not null
) strict;

create index callback_inbox_at on callback_inbox (at);

create table outbox (
    row        integer primary key,
    event      text    not null,
    subscriber text    not null,
    kind       text    not null,
    subject    text    not null,
    payload    blob    not null,
    written_at integer not null,
    next_at    integer not null,
    attempts   integer not null default 0,
    parked     integer not null default 0,
    error      text,
    unique (event, subscriber)
) strict;
create index outbox_due on outbox (subscriber, row) where parked = 0;
