create table categories (
    id        text    primary key,
    slug      text    not null unique,
    title     text    not null check (json_valid(title)),
    parent_id text    references categories (id),
    icon      text    not null,
    position  integer not null,
    -- Key of its products in `listings`.
    scope     integer not null unique references scopes (row)
) strict, without rowid;

create index categories_below on categories (parent_id);

-- A product is one document: `body` is read and written as one. What lists, filters and other services change stands beside it.
create table products (
    row            integer primary key,
    id             text    not null unique,
    slug           text    not null unique,
    merchant_id    text    not null,
    category_id    text    not null references categories (id),
    status         text    not null check (status in ('draft', 'active', 'archived')),
    brand          text    not null,
    body           text    not null check (json_valid(body)),
    version        integer not null check (version > 0),
    created_at     integer not null,
    updated_at     integer not null,
    -- As last told by the order service.
    price          integer not null default 0 check (price >= 0),
    price_last     integer not null as (case price when 0 then 9223372036854775807 else price end) stored,
    in_stock       integer not null default 0 check (in_stock in (0, 1)),
    sellers        text    not null default '[]' check (json_valid(sellers)),
    offers_version integer not null default 0,
    popularity     integer not null default 0 check (popularity >= 0),
    -- Sum and count of the reviews; `rating` sorts by average, then by how many said so.
    rating_sum     integer not null default 0,
    rating_count   integer not null default 0 check (rating_count >= 0),
    rating_version integer not null default 0,
    rating         integer not null as (
        case rating_count when 0 then 0
        else (rating_sum * 1000 / rating_count) * 1000000 + min(rating_count, 999999) end) stored,
    check (rating_sum between rating_count and rating_count * 5)
) strict;

create index products_own on products (merchant_id, created_at, row);
create index products_category on products (category_id);

create table product_attributes (
    product integer not null references products (row) on delete cascade,
    name    text    not null,
    value   text    not null,
    primary key (product, name)
) strict, without rowid;

create index product_attributes_value on product_attributes (name, value, product);

create table skus (
    merchant_id text    not null,
    sku         text    not null,
    product     integer not null references products (row) on delete cascade,
    variant_id  text    not null,
    primary key (merchant_id, sku)
) strict, without rowid;

create index skus_product on skus (product);

-- What can be listed by: everything, a category, a brand, a seller. Names like "category:cat_..." and "brand:artel".
create table scopes (
    row  integer primary key,
    name text    not null unique
) strict;

insert into scopes (row, name) values (0, 'all');

-- Each active product once for each scope that it is in, with what lists sort by: one index serves any scope in any order.
create table listings (
    scope      integer not null references scopes (row),
    product    integer not null references products (row) on delete cascade,
    created_at integer not null,
    price      integer not null,
    price_last integer not null,
    in_stock   integer not null,
    rating     integer not null,
    popularity integer not null,
    primary key (scope, product)
) strict, without rowid;

create index listings_product on listings (product);
create index listings_newest on listings (scope, created_at, product);
-- Ascending, what has no price comes last; descending, `price` = 0 puts it last too.
create index listings_cheapest on listings (scope, price_last, product);
create index listings_dearest on listings (scope, price, product);
create index listings_rating on listings (scope, rating, product);
create index listings_popularity on listings (scope, popularity, product);

create table reviews (
    id         text    primary key,
    product_id text    not null references products (id),
    user_id    text    not null,
    author     text    not null,
    rating     integer not null check (rating between 1 and 5),
    text       text    not null,
    created_at integer not null,
    unique (product_id, user_id)
) strict, without rowid;

create index reviews_product on reviews (product_id, created_at, id);
create index reviews_user on reviews (user_id, created_at, id);
-- Covers the sum and count of a product.
create index reviews_rating on reviews (product_id, rating);

create table jobs (
    id          text    primary key,
    merchant_id text    not null,
    status      text    not null check (status in ('queued', 'running', 'done', 'failed')),
    body        text    not null check (json_valid(body)),
    -- Gone when the job has ended.
    csv         blob,
    created_at  integer not null
) strict, without rowid;

create index jobs_waiting on jobs (id) where status in ('queued', 'running');

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
