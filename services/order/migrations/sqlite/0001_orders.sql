-- What the order service knows of merchants.
create table merchants (
    id      text    primary key,
    name    text    not null,
    tin     text    not null,
    active  integer not null check (active in (0, 1)),
    version integer not null
) strict, without rowid;

-- Price and stock: the only place where either is decided.
create table offers (
    id              text    primary key,
    merchant_id     text    not null,
    product_id      text    not null,
    variant_id      text    not null,
    sku             text    not null,
    title           text    not null check (json_valid(title)),
    options         text    not null check (json_valid(options)),
    fiscal          text    not null check (json_valid(fiscal)),
    picture_url     text    not null,
    currency        text    not null,
    price           integer not null check (price > 0),
    compare_at      integer check (compare_at > price),
    available       integer not null check (available >= 0),
    reserved        integer not null default 0 check (reserved >= 0),
    active          integer not null check (active in (0, 1)),
    -- The product is on show, and this variant is still part of it.
    listed          integer not null check (listed in (0, 1)),
    product_version integer not null,
    version         integer not null default 1,
    updated_at      integer not null,
    unique (merchant_id, variant_id)
) strict;
create index offers_of_product on offers (product_id);

-- What product and search were last told of a product's price.
create table displays (
    product_id text    primary key,
    price_from integer not null,
    in_stock   integer not null,
    merchants  text    not null,
    version    integer not null
) strict, without rowid;

-- Every movement of stock with its cause: the sum of a column for an offer is what the offer holds.
create table stock_ledger (
    entry     integer primary key,
    offer_id  text    not null,
    available integer not null,
    reserved  integer not null,
    cause     text    not null,
    order_id  text,
    at        integer not null
) strict;
create index stock_ledger_offer on stock_ledger (offer_id, entry);

create table orders (
    id             text    primary key,
    -- The human number without its letter; grows by one.
    seq            integer not null unique,
    cart_id        text    not null unique,
    user_id        text,
    token_hash     blob,
    status         text    not null,
    payment_status text    not null,
    body           text    not null check (json_valid(body)),
    -- The payment as it was opened; null until the payment service has answered.
    payment        text    check (payment is null or json_valid(payment)),
    reserved_until integer,
    version        integer not null,
    placed_at      integer not null,
    check ((user_id is null) <> (token_hash is null)),
    -- Goods are held for payment exactly while payment is awaited.
    check ((status = 'awaiting_payment') = (reserved_until is not null))
) strict;
create index orders_of_user on orders (user_id, placed_at desc, id desc) where user_id is not null;
create index orders_expiring on orders (reserved_until) where reserved_until is not null;
create index orders_newest on orders (placed_at desc, id desc);

-- Which merchant sees which order.
create table shipments (
    merchant_id text    not null,
    order_id    text    not null references orders (id),
    status      text    not null,
    placed_at   integer not null,
    primary key (merchant_id, order_id)
) strict, without rowid;
create index shipments_newest on shipments (merchant_id, placed_at desc, order_id desc);

-- Stock taken by orders.
create table reservations (
    order_id text    not null references orders (id),
    offer_id text    not null references offers (id),
    quantity integer not null check (quantity > 0),
    state    text    not null check (state in ('held', 'sold', 'released')),
    primary key (order_id, offer_id)
) strict, without rowid;

-- Answers of requests that must not act twice.
create table idempotency (
    scope        text    not null,
    key          text    not null,
    request_hash blob    not null,
    order_id     text    not null,
    order_token  text    not null,
    -- The answer as it was given; null while it is being worked out.
    response     blob,
    at           integer not null,
    primary key (scope, key)
) strict;
create index idempotency_age on idempotency (at);

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

create table inbox (event text primary key, at integer not null) strict, without rowid;
