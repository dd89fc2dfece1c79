create table users (
    id             uuid        constraint users_pkey primary key,
    phone          text        constraint users_phone_e164 check (phone ~ '^\+[0-9]{8,15}$'),
    email          text        constraint users_email_form check (email like '%_@_%'),
    name           text        not null,
    is_admin       boolean     not null default false,
    phone_verified boolean     not null default false,
    locale         text        not null constraint users_locale check (locale in ('uz', 'uz-Cyrl', 'ru', 'en')),
    -- What the person was invited with; for the referral programme.
    referral_code  text        not null default '',
    created_at     timestamptz not null,
    -- Somebody whom nothing recognises could never sign in.
    constraint users_recognised check (phone is not null or email is not null),
    constraint users_verified check (not phone_verified or phone is not null)
);

create unique index users_phone on users (phone) where phone is not null;
create unique index users_email on users (lower(email)) where email is not null;

-- A user without a row signs in by codes only.
create table credentials (
    user_id    uuid        constraint credentials_pkey primary key
                           constraint credentials_user references users (id) on delete cascade,
    phc        text        not null constraint credentials_phc check (phc like '$argon2id$%'),
    changed_at timestamptz not null
);

create table sessions (
    id           uuid        constraint sessions_pkey primary key,
    user_id      uuid        not null constraint sessions_user references users (id) on delete cascade,
    created_at   timestamptz not null,
    last_used_at timestamptz not null,
    expires_at   timestamptz not null,
    -- An ended session stays until its tokens have run out, so that a stolen one is still recognised.
    ended_at     timestamptz,
    ip           text        not null,
    user_agent   text        not null
);

create index sessions_of_user on sessions (user_id, id desc) where ended_at is null;
create index sessions_over on sessions (expires_at);

-- The tokens of one session are a family: one of them used twice ends them all.
create table refresh_tokens (
    hash       bytea       constraint refresh_tokens_pkey primary key
                           constraint refresh_tokens_hash check (length(hash) = 32),
    family     uuid        not null constraint refresh_tokens_family references sessions (id) on delete cascade,
    issued_at  timestamptz not null,
    expires_at timestamptz not null,
    used_at    timestamptz
);

-- One token of a family is good at a time.
create unique index refresh_tokens_good on refresh_tokens (family) where used_at is null;
create index refresh_tokens_of_family on refresh_tokens (family);
create index refresh_tokens_over on refresh_tokens (expires_at);

-- The newest code of a phone is the good one; older rows count what was sent within the hour.
create table otps (
    row        bigint      generated always as identity constraint otps_pkey primary key,
    phone      text        not null,
    hash       bytea       not null constraint otps_hash check (length(hash) = 32),
    attempts   integer     not null default 0 constraint otps_attempts check (attempts >= 0),
    sent_at    timestamptz not null,
    expires_at timestamptz not null,
    used_at    timestamptz
);

create index otps_of_phone on otps (phone, row desc);
create index otps_over on otps (sent_at);

-- Failed sign-ins and asked resets, by a hash of the login: nobody's login is kept who has no account.
create table login_attempts (
    row bigint      generated always as identity constraint login_attempts_pkey primary key,
    key bytea       not null constraint login_attempts_key check (length(key) = 32),
    at  timestamptz not null
);

create index login_attempts_of_key on login_attempts (key, at desc);
create index login_attempts_over on login_attempts (at);

create table password_resets (
    hash       bytea       constraint password_resets_pkey primary key
                           constraint password_resets_hash check (length(hash) = 32),
    user_id    uuid        not null constraint password_resets_user references users (id) on delete cascade,
    expires_at timestamptz not null
);

create index password_resets_of_user on password_resets (user_id);
create index password_resets_over on password_resets (expires_at);

create table addresses (
    id         uuid    constraint addresses_pkey primary key,
    user_id    uuid    not null constraint addresses_user references users (id) on delete cascade,
    region     text    not null,
    district   text    not null,
    street     text    not null,
    house      text    not null,
    landmark   text    not null,
    recipient  text    not null,
    phone      text    not null,
    is_default boolean not null
);

create index addresses_of_user on addresses (user_id, id);
create unique index addresses_default on addresses (user_id) where is_default;

-- Keys that sign access tokens; the newest signs, all verify.
create table signing_keys (
    kid        text        constraint signing_keys_pkey primary key,
    pkcs8      bytea       not null,
    created_at timestamptz not null
);
