-- What was paid for an order and how much of it goes back: never more than was paid. An order of which nothing goes back has no row.
create table order_money (
    order_id text    primary key references orders (id),
    paid     integer not null check (paid >= 0),
    back     integer not null check (back >= 0),
    check (back <= paid)
) strict, without rowid;

-- Pieces of a line that are not sent, or asked back: never more than were bought.
create table gone_pieces (
    order_id text    not null references orders (id),
    item_id  text    not null,
    bought   integer not null check (bought > 0),
    gone     integer not null check (gone >= 0),
    primary key (order_id, item_id),
    check (gone <= bought)
) strict, without rowid;

-- Where refunds stand. Their documents are in the order.
create table refunds (
    id          text    primary key,
    order_id    text    not null references orders (id),
    -- Null: money for the delivery, which is the platform's.
    merchant_id text,
    amount      integer not null check (amount > 0),
    state       text    not null check (state in ('pending', 'succeeded', 'failed', 'needs_manual')),
    at          integer not null,
    -- When the payment service is asked; null when there is nothing to ask.
    next_at     integer,
    attempts    integer not null default 0,
    check ((state = 'pending') = (next_at is not null))
) strict, without rowid;
create index refunds_due on refunds (next_at) where next_at is not null;
create index refunds_newest on refunds (at desc, id desc);
create index refunds_of_order on refunds (order_id);

-- Where returns stand. Their documents are in the order.
create table returns (
    id          text    primary key,
    order_id    text    not null references orders (id),
    merchant_id text    not null,
    state       text    not null check (state in ('requested', 'approved', 'refused', 'received', 'refunded')),
    at          integer not null
) strict, without rowid;
create index returns_newest on returns (merchant_id, at desc, id desc);

-- When delivered orders are completed.
create table completions (
    order_id text    primary key references orders (id),
    due_at   integer not null
) strict, without rowid;
create index completions_due on completions (due_at);
