create table users (
    id             text    primary key,
    phone          text,
    email          text,
    name           text    not null,
    is_admin       integer not null default 0 check (is_admin in (0, 1)),
    phone_verified integer not null default 0 check (phone_verified in (0, 1)),
    locale         text    not null check (locale in ('uz', 'uz-Cyrl', 'ru', 'en')),
    -- What the person was invited with; for the referral programme.
    referral_code  text    not null default '',
    created_at     integer not null,
    -- Somebody whom nothing recognises could never sign in.
    check (phone is not null or email is not null),
    check (phone_verified = 0 or phone is not null)
) strict, without rowid;

create unique index users_phone on users (phone) where phone is not null;
create unique index users_email on users (lower(email)) where email is not null;

-- A user without a row signs in by codes only.
create table credentials (
    user_id    text    primary key references users (id) on delete cascade,
    phc        text    not null check (phc like '$argon2id$%'),
    changed_at integer not null
) strict, without rowid;

create table sessions (
    id           text    primary key,
    user_id      text    not null references users (id) on delete cascade,
    created_at   integer not null,
    last_used_at integer not null,
    expires_at   integer not null,
    -- An ended session stays until its tokens have run out, so that a stolen one is still recognised.
    ended_at     integer,
    ip           text    not null,
    user_agent   text    not null
) strict, without rowid;

create index sessions_of_user on sessions (user_id, id desc) where ended_at is null;
create index sessions_over on sessions (expires_at);

-- The tokens of one session are a family: one of them used twice ends them all.
create table refresh_tokens (
    hash       blob    primary key check (length(hash) = 32),
    family     text    not null references sessions (id) on delete cascade,
    issued_at  integer not null,
    expires_at integer not null,
    used_at    integer
) strict, without rowid;

-- One token of a family is good at a time.
create unique index refresh_tokens_good on refresh_tokens (family) where used_at is null;
create index refresh_tokens_of_family on refresh_tokens (family);
create index refresh_tokens_over on refresh_tokens (expires_at);

-- The newest code of a phone is the good one; older rows count what was sent within the hour.
create table otps (
    row        integer primary key,
    phone      text    not null,
    hash       blob    not null check (length(hash) = 32),
    attempts   integer not null default 0,
    sent_at    integer not null,
    expires_at integer not null,
    used_at    integer
) strict;

create index otps_of_phone on otps (phone, row desc);
create index otps_over on otps (sent_at);

-- Failed sign-ins and asked resets, by a hash of the login: nobody's login is kept who has no account.
create table login_attempts (
    row  integer primary key,
    key  blob    not null check (length(key) = 32),
    at   integer not null
) strict;

create index login_attempts_of_key on login_attempts (key, at desc);
create index login_attempts_over on login_attempts (at);

create table password_resets (
    hash       blob    primary key check (length(hash) = 32),
    user_id    text    not null references users (id) on delete cascade,
    expires_at integer not null
) strict, without rowid;

create index password_resets_of_user on password_resets (user_id);
create index password_resets_over on password_resets (expires_at);

create table addresses (
    id         text    primary key,
    user_id    text    not null references users (id) on delete cascade,
    region     text    not null,
    district   text    not null,
    street     text    not null,
    house      text    not null,
    landmark   text    not null,
    recipient  text    not null,
    phone      text    not null,
    is_default integer not null check (is_default in (0, 1))
) strict, without rowid;

create index addresses_of_user on addresses (user_id, id);
create unique index addresses_default on addresses (user_id) where is_default = 1;

-- Keys that sign access tokens; the newest signs, all verify.
create table signing_keys (
    kid        text    primary key,
    pkcs8      blob    not null,
    created_at integer not null
) strict, without rowid;
