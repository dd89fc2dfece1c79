-- Slugs of the categories that an offer's product is in, from the root down to its own; null until that is known.
alter table offers add column categories text check (categories is null or json_valid(categories));
create index offers_uncategorised on offers (product_id) where categories is null;

-- What lowers prices. Only what is searched for or counted has a column of its own; the rest are its terms.
create table promotions (
    id                 text    primary key,
    -- Null: the platform owner's.
    merchant_id        text,
    -- Null: it applies by itself.
    code               text    unique,
    funded_by          text    not null check (funded_by in ('merchant', 'platform')),
    active             integer not null check (active in (0, 1)),
    starts_at          integer,
    ends_at            integer,
    usage_limit        integer check (usage_limit > 0),
    used               integer not null default 0 check (used >= 0),
    per_customer_limit integer check (per_customer_limit > 0),
    budget             integer check (budget > 0),
    spent              integer not null default 0 check (spent >= 0),
    priority           integer not null,
    terms              text    not null check (json_valid(terms)),
    version            integer not null,
    created_at         integer not null,
    updated_at         integer not null,
    check (ends_at > starts_at),
    -- Of so many uses nobody gets one more.
    check (used <= usage_limit),
    check (spent <= budget),
    -- A merchant spends its own money only.
    check (merchant_id is null or funded_by = 'merchant')
) strict;
create index promotions_automatic on promotions (merchant_id, priority desc, id) where code is null and active = 1;
create index promotions_of_merchant on promotions (merchant_id, id desc);

-- Which order uses which promotion, and what it takes off.
create table redemptions (
    promotion_id text    not null references promotions (id),
    order_id     text    not null references orders (id),
    amount       integer not null check (amount > 0),
    state        text    not null check (state in ('used', 'released')),
    at           integer not null,
    primary key (promotion_id, order_id)
) strict, without rowid;
create index redemptions_of_order on redemptions (order_id);

-- The first, second and later use of a promotion by one shopper: an account (its id) and a phone number (`tel:` and digits) each.
create table redeemers (
    promotion_id text    not null,
    customer     text    not null,
    nth          integer not null check (nth > 0),
    order_id     text    not null,
    primary key (promotion_id, customer, nth),
    foreign key (promotion_id, order_id) references redemptions (promotion_id, order_id)
) strict, without rowid;
create index redeemers_of_order on redeemers (order_id);
