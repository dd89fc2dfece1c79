create domain price_tiers as jsonb constraint price_tiers check (jsonb_typeof(value) = 'array');

alter table offers
    -- Below zero: so many pieces are sold that are not there yet.
    alter column available type bigint,
    -- Pieces that may be sold before they are there.
    add column backorder_limit stock not null default 0,
    -- At so many pieces or fewer the merchant is told; null: it is not.
    add column low_stock_at stock,
    -- Lower prices of larger quantities; null: there are none.
    add column price_tiers price_tiers,
    -- Nothing is sold that neither is there nor may be sold before it is.
    add constraint offers_available check (available >= -backorder_limit);
