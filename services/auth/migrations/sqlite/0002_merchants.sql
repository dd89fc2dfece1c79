create table merchants (
    id            text    primary key,
    name          text    not null,
    legal_name    text    not null,
    tin           text    check (tin is null or length(tin) = 9),
    pinfl         text    check (pinfl is null or length(pinfl) = 14),
    phone         text    not null,
    email         text    not null,
    bank_account  text,
    bank_mfo      text,
    bank_name     text,
    status        text    not null check (status in ('pending', 'active', 'rejected', 'suspended')),
    plan          text    check (plan in ('basic', 'professional', 'enterprise')),
    owner_user_id text    not null references users (id),
    created_at    integer not null,
    reason        text    not null default '',
    version       integer not null check (version > 0),
    check (tin is not null or pinfl is not null),
    check ((bank_account is null) = (bank_mfo is null) and (bank_account is null) = (bank_name is null)),
    -- Who sells, sells on a plan.
    check (status <> 'active' or plan is not null)
) strict, without rowid;

-- One at a time for each owner. A suspended merchant is not got around by a new application.
create unique index merchants_owner on merchants (owner_user_id) where status <> 'rejected';
create index merchants_by_status on merchants (status, id desc);

-- A user works for at most one merchant.
create table staff (
    id          text    primary key,
    merchant_id text    not null references merchants (id),
    user_id     text    not null references users (id),
    role        text    not null check (role in ('admin', 'operator', 'viewer')),
    created_at  integer not null
) strict, without rowid;

create unique index staff_user on staff (user_id);
create index staff_of_merchant on staff (merchant_id, id);

create table api_keys (
    id           text    primary key,
    merchant_id  text    not null references merchants (id),
    name         text    not null,
    scopes       text    not null check (json_valid(scopes)),
    hash         blob    not null check (length(hash) = 32),
    hint         text    not null,
    created_at   integer not null,
    last_used_at integer
) strict, without rowid;

create unique index api_keys_hash on api_keys (hash);
create index api_keys_of_merchant on api_keys (merchant_id, id);

-- Who did what to a merchant, its staff and its keys. Rows are only ever added.
create table audit (
    row         integer primary key,
    who         text    not null,
    what        text    not null,
    subject     text    not null,
    merchant_id text    not null,
    detail      text    not null,
    at          integer not null
) strict;

create index audit_of_merchant on audit (merchant_id, row desc);
create trigger audit_is_never_changed before update on audit
begin
    select raise(abort, 'the audit trail is append only');
end;
create trigger audit_is_never_deleted before delete on audit
begin
    select raise(abort, 'the audit trail is append only');
end;
