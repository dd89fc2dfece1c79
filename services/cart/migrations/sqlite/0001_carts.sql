-- A cart is one document: its lines are read and written together, compared by version.
create table carts (
    id         text    primary key,
    user_id    text,
    token_hash blob,
    body       text    not null check (json_valid(body)),
    version    integer not null check (version > 0),
    order_id   text,
    created_at integer not null,
    updated_at integer not null,
    -- A cart belongs to a user or to whoever holds its token.
    check ((user_id is null) <> (token_hash is null))
) strict;

-- One open cart for each user.
create unique index carts_open on carts (user_id) where order_id is null and user_id is not null;
-- What the sweep of forgotten carts looks for.
create index carts_stale on carts (updated_at) where user_id is null;

create table wishlist (
    user_id    text    not null,
    product_id text    not null,
    added_at   integer not null,
    primary key (user_id, product_id)
) strict, without rowid;

create index wishlist_newest on wishlist (user_id, added_at desc, product_id desc);
