-- What a value of a kind may be is said once, by a domain. A check of a table is read from its text again with every statement that
-- writes a row; that of a domain is kept ready by each session.
create domain currency as text constraint currency check (value ~ '^[A-Z]{3}$');
-- An amount of money that is never negative.
create domain tiyin as bigint constraint tiyin check (value >= 0);
create domain price as bigint constraint price check (value > 0);
-- Pieces.
create domain stock as bigint constraint stock check (value >= 0);
create domain quantity as bigint constraint quantity check (value > 0);
create domain row_version as bigint constraint row_version check (value > 0);
create domain sha256 as bytea constraint sha256 check (length(value) = 32);
create domain order_status as text constraint order_status check (value in
    ('awaiting_payment', 'paid', 'processing', 'shipped', 'delivered', 'completed', 'cancelled', 'refunded'));
create domain payment_status as text constraint payment_status check (value in
    ('pending', 'processing', 'paid', 'failed', 'cancelled', 'refunded', 'partially_refunded'));
create domain shipment_status as text constraint shipment_status check (value in
    ('pending', 'new', 'accepted', 'shipped', 'delivered', 'cancelled'));
create domain reservation_state as text constraint reservation_state check (value in ('held', 'sold', 'released'));
create domain stock_cause as text constraint stock_cause check (value in ('counted', 'held', 'sold', 'released'));

alter table offers
    drop constraint offers_currency, alter column currency type currency,
    drop constraint offers_price, alter column price type price,
    drop constraint offers_available, alter column available type stock,
    drop constraint offers_reserved, alter column reserved type stock,
    drop constraint offers_version, alter column version type row_version;
alter table displays
    drop constraint displays_price_from, alter column price_from type tiyin,
    drop constraint displays_version, alter column version type row_version;
alter table stock_ledger
    drop constraint stock_ledger_cause, alter column cause type stock_cause;
alter table orders
    drop constraint orders_token, alter column token_hash type sha256,
    drop constraint orders_status, alter column status type order_status,
    drop constraint orders_payment_status, alter column payment_status type payment_status,
    drop constraint orders_version, alter column version type row_version;
alter table reservations
    drop constraint reservations_quantity, alter column quantity type quantity,
    drop constraint reservations_state, alter column state type reservation_state;
alter table shipments
    drop constraint shipments_status, alter column status type shipment_status;
