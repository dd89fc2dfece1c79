-- Slugs of the categories that an offer's product is in, from the root down to its own; null until that is known.
alter table offers add column categories text[];
create index offers_uncategorised on offers (product_id) where categories is null;

create domain promotion_limit as integer constraint promotion_limit check (value > 0);
create domain promotion_funder as text constraint promotion_funder check (value in ('merchant', 'platform'));
create domain redemption_state as text constraint redemption_state check (value in ('used', 'released'));

-- What lowers prices. Only what is searched for or counted has a column of its own; the rest are its terms.
create table promotions (
    id                 uuid             constraint promotions_pkey primary key,
    -- Null: the platform owner's.
    merchant_id        uuid,
    -- Null: it applies by itself.
    code               text             constraint promotions_code unique,
    funded_by          promotion_funder not null,
    active             boolean          not null,
    starts_at          timestamptz,
    ends_at            timestamptz,
    usage_limit        promotion_limit,
    -- What is used is counted here where it is limited: without a limit nobody waits for anybody, and the redemptions say it.
    used               stock            not null default 0,
    per_customer_limit promotion_limit,
    budget             price,
    spent              tiyin            not null default 0,
    priority           integer          not null,
    terms              jsonb            not null,
    version            row_version      not null,
    created_at         timestamptz      not null,
    updated_at         timestamptz      not null,
    constraint promotions_dates check (ends_at > starts_at),
    -- Of so many uses nobody gets one more.
    constraint promotions_uses check (used <= usage_limit),
    constraint promotions_budget check (spent <= budget),
    -- A merchant spends its own money only.
    constraint promotions_funds check (merchant_id is null or funded_by = 'merchant')
) with (fillfactor = 80);

create index promotions_automatic on promotions (merchant_id, priority desc, id) where code is null and active;
create index promotions_of_merchant on promotions (merchant_id, id desc);

-- Which order uses which promotion, and what it takes off.
create table redemptions (
    promotion_id uuid             not null constraint redemptions_promotion references promotions (id),
    order_id     uuid             not null constraint redemptions_order references orders (id),
    amount       price            not null,
    state        redemption_state not null,
    at           timestamptz      not null,
    constraint redemptions_pkey primary key (promotion_id, order_id)
);

create index redemptions_of_order on redemptions (order_id);

-- The first, second and later use of a promotion by one shopper: an account (its id) and a phone number (`tel:` and digits) each.
create table redeemers (
    promotion_id uuid            not null,
    customer     text            not null,
    nth          promotion_limit not null,
    order_id     uuid            not null,
    constraint redeemers_pkey primary key (promotion_id, customer, nth),
    constraint redeemers_redemption foreign key (promotion_id, order_id) references redemptions (promotion_id, order_id)
);

create index redeemers_of_order on redeemers (order_id);

alter table promotions enable row level security;
alter table promotions force row level security;
create policy of_merchant on promotions using (current_setting('um.merchant') in ('*', merchant_id::text));
