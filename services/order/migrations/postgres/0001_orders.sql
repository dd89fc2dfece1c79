-- What the order service knows of merchants.
create table merchants (
    id      uuid    constraint merchants_pkey primary key,
    name    text    not null,
    tin     text    not null,
    active  boolean not null,
    version bigint  not null
);

-- Price and stock: the only place where either is decided. Stock moves often and in place: room for that is left on each page.
create table offers (
    id              uuid        constraint offers_pkey primary key,
    merchant_id     uuid        not null,
    product_id      uuid        not null,
    variant_id      uuid        not null,
    sku             text        not null,
    title           jsonb       not null,
    options         jsonb       not null,
    fiscal          jsonb       not null,
    picture_url     text        not null,
    currency        text        not null constraint offers_currency check (currency ~ '^[A-Z]{3}$'),
    price           bigint      not null constraint offers_price check (price > 0),
    compare_at      bigint      constraint offers_compare_at check (compare_at > price),
    available       bigint      not null constraint offers_available check (available >= 0),
    reserved        bigint      not null default 0 constraint offers_reserved check (reserved >= 0),
    active          boolean     not null,
    -- The product is on show, and this variant is still part of it.
    listed          boolean     not null,
    product_version bigint      not null,
    version         bigint      not null default 1 constraint offers_version check (version > 0),
    updated_at      timestamptz not null,
    constraint offers_of_variant unique (merchant_id, variant_id)
) with (fillfactor = 80);

create index offers_of_product on offers (product_id);

-- What product and search were last told of a product's price. Whoever changes what a product shows holds its row here while it
-- works out what that is now.
create table displays (
    product_id uuid    constraint displays_pkey primary key,
    price_from bigint  not null constraint displays_price_from check (price_from >= 0),
    in_stock   boolean not null,
    merchants  uuid[]  not null,
    version    bigint  not null constraint displays_version check (version > 0)
);

-- Every movement of stock with its cause: the sum of a column for an offer is what the offer holds.
create table stock_ledger (
    entry     bigint      generated always as identity constraint stock_ledger_pkey primary key,
    offer_id  uuid        not null,
    available bigint      not null,
    reserved  bigint      not null,
    cause     text        not null constraint stock_ledger_cause check (cause in ('counted', 'held', 'sold', 'released')),
    order_id  uuid,
    at        timestamptz not null,
    constraint stock_ledger_moves check (available <> 0 or reserved <> 0),
    -- Only what a merchant counted has no order behind it.
    constraint stock_ledger_order check ((order_id is null) = (cause = 'counted'))
);

create index stock_ledger_of_offer on stock_ledger (offer_id, entry);

create table orders (
    id             uuid        constraint orders_pkey primary key,
    -- The human number without its letter. Drawn when nothing can refuse the order any more, so that none is left out by a refusal.
    seq            bigint      generated always as identity constraint orders_seq unique,
    cart_id        uuid        not null constraint orders_cart unique,
    user_id        uuid,
    token_hash     bytea       constraint orders_token check (length(token_hash) = 32),
    status         text        not null constraint orders_status check (status in
                   ('awaiting_payment', 'paid', 'processing', 'shipped', 'delivered', 'completed', 'cancelled', 'refunded')),
    payment_status text        not null constraint orders_payment_status check (payment_status in
                   ('pending', 'processing', 'paid', 'failed', 'cancelled', 'refunded', 'partially_refunded')),
    body           jsonb       not null,
    -- The payment as it was opened; null until the payment service has answered.
    payment        jsonb,
    reserved_until timestamptz,
    -- Until when one process works at the end of an unpaid order; others leave it alone.
    swept_until    timestamptz,
    version        bigint      not null constraint orders_version check (version > 0),
    placed_at      timestamptz not null,
    constraint orders_buyer check ((user_id is null) <> (token_hash is null)),
    -- Goods are held for payment exactly while payment is awaited.
    constraint orders_held check ((status = 'awaiting_payment') = (reserved_until is not null))
);

create index orders_of_user on orders (user_id, placed_at desc, id desc) where user_id is not null;
create index orders_expiring on orders (reserved_until) where reserved_until is not null;
create index orders_newest on orders (placed_at desc, id desc);

-- Which merchant sees which order.
create table shipments (
    merchant_id uuid        not null,
    order_id    uuid        not null constraint shipments_order references orders (id),
    status      text        not null constraint shipments_status check (status in
                ('pending', 'new', 'accepted', 'shipped', 'delivered', 'cancelled')),
    placed_at   timestamptz not null,
    constraint shipments_pkey primary key (merchant_id, order_id)
);

create index shipments_newest on shipments (merchant_id, placed_at desc, order_id desc) where status <> 'pending';
create index shipments_by_status on shipments (merchant_id, status, placed_at desc, order_id desc);

-- Stock taken by orders.
create table reservations (
    order_id uuid   not null constraint reservations_order references orders (id),
    offer_id uuid   not null constraint reservations_offer references offers (id),
    quantity bigint not null constraint reservations_quantity check (quantity > 0),
    state    text   not null constraint reservations_state check (state in ('held', 'sold', 'released')),
    constraint reservations_pkey primary key (order_id, offer_id)
);

-- Answers of requests that must not act twice.
create table idempotency (
    scope        text        not null,
    key          text        not null,
    request_hash bytea       not null,
    order_id     uuid        not null,
    order_token  text        not null,
    -- The answer as it was given; null while it is being worked out.
    response     bytea,
    at           timestamptz not null,
    constraint idempotency_pkey primary key (scope, key)
);

create index idempotency_age on idempotency (at);

-- A transaction sees the whole platform or one merchant (crates/postgres); whoever sets neither sees nothing but an error.
alter table merchants enable row level security;
alter table merchants force row level security;
create policy of_merchant on merchants using (current_setting('um.merchant') in ('*', id::text));

alter table offers enable row level security;
alter table offers force row level security;
create policy of_merchant on offers using (current_setting('um.merchant') in ('*', merchant_id::text));

alter table shipments enable row level security;
alter table shipments force row level security;
create policy of_merchant on shipments using (current_setting('um.merchant') in ('*', merchant_id::text));
