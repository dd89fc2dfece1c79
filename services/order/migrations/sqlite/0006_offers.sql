-- Pieces may be sold before they are there, so that the rule for `available` becomes one of two columns: the table is made anew.
pragma defer_foreign_keys = on;
create table offers_before as select * from offers;
drop table offers;

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
    -- Below zero: so many pieces are sold that are not there yet.
    available       integer not null,
    reserved        integer not null default 0 check (reserved >= 0),
    active          integer not null check (active in (0, 1)),
    -- The product is on show, and this variant is still part of it.
    listed          integer not null check (listed in (0, 1)),
    product_version integer not null,
    version         integer not null default 1,
    updated_at      integer not null,
    -- Slugs of the categories that the product is in, from the root down to its own; null until that is known.
    categories      text    check (categories is null or json_valid(categories)),
    -- Pieces that may be sold before they are there.
    backorder_limit integer not null default 0 check (backorder_limit >= 0),
    -- At so many pieces or fewer the merchant is told; null: it is not.
    low_stock_at    integer check (low_stock_at >= 0),
    -- Lower prices of larger quantities; null: there are none.
    price_tiers     text    check (price_tiers is null or json_type(price_tiers) = 'array'),
    unique (merchant_id, variant_id),
    -- Nothing is sold that neither is there nor may be sold before it is.
    check (available >= -backorder_limit)
) strict;
insert into offers (id, merchant_id, product_id, variant_id, sku, title, options, fiscal, picture_url, currency, price, compare_at,
                    available, reserved, active, listed, product_version, version, updated_at, categories)
select id, merchant_id, product_id, variant_id, sku, title, options, fiscal, picture_url, currency, price, compare_at,
       available, reserved, active, listed, product_version, version, updated_at, categories
from offers_before;
drop table offers_before;
create index offers_of_product on offers (product_id);
create index offers_uncategorised on offers (product_id) where categories is null;
