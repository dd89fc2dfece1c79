create table merchants (
    id            uuid        constraint merchants_pkey primary key,
    name          text        not null,
    legal_name    text        not null,
    tin           text        constraint merchants_tin check (tin ~ '^[0-9]{9}$'),
    pinfl         text        constraint merchants_pinfl check (pinfl ~ '^[0-9]{14}$'),
    phone         text        not null,
    email         text        not null,
    bank_account  text,
    bank_mfo      text,
    bank_name     text,
    status        text        not null
                  constraint merchants_status check (status in ('pending', 'active', 'rejected', 'suspended')),
    plan          text        constraint merchants_plan check (plan in ('basic', 'professional', 'enterprise')),
    owner_user_id uuid        not null constraint merchants_owner_user references users (id),
    created_at    timestamptz not null,
    reason        text        not null default '',
    version       bigint      not null constraint merchants_version check (version > 0),
    constraint merchants_taxpayer check (tin is not null or pinfl is not null),
    constraint merchants_bank check (num_nulls(bank_account, bank_mfo, bank_name) in (0, 3)),
    -- Who sells, sells on a plan.
    constraint merchants_sells_on_a_plan check (status <> 'active' or plan is not null)
);

-- One at a time for each owner. A suspended merchant is not got around by a new application.
create unique index merchants_owner on merchants (owner_user_id) where status <> 'rejected';
create index merchants_by_status on merchants (status, id desc);

-- A user works for at most one merchant.
create table staff (
    id          uuid        constraint staff_pkey primary key,
    merchant_id uuid        not null constraint staff_merchant references merchants (id),
    user_id     uuid        not null constraint staff_person references users (id),
    role        text        not null constraint staff_role check (role in ('admin', 'operator', 'viewer')),
    created_at  timestamptz not null
);

create unique index staff_user on staff (user_id);
create index staff_of_merchant on staff (merchant_id, id);

create table api_keys (
    id           uuid        constraint api_keys_pkey primary key,
    merchant_id  uuid        not null constraint api_keys_merchant references merchants (id),
    name         text        not null,
    scopes       text[]      not null constraint api_keys_scopes check (cardinality(scopes) > 0),
    hash         bytea       not null constraint api_keys_hash_length check (length(hash) = 32),
    hint         text        not null,
    created_at   timestamptz not null,
    last_used_at timestamptz
);

create unique index api_keys_hash on api_keys (hash);
create index api_keys_of_merchant on api_keys (merchant_id, id);

-- Who did what to a merchant, its staff and its keys. Rows are only ever added.
create table audit (
    row         bigint      generated always as identity constraint audit_pkey primary key,
    who         text        not null,
    what        text        not null,
    subject     text        not null,
    merchant_id uuid        not null constraint audit_merchant references merchants (id),
    detail      text        not null,
    at          timestamptz not null
);

create index audit_of_merchant on audit (merchant_id, row desc);

create function audit_is_append_only() returns trigger language plpgsql as $$
begin
    raise exception 'the audit trail is append only' using errcode = 'restrict_violation';
end
$$;
create trigger audit_is_never_changed before update or delete on audit
    for each row execute function audit_is_append_only();
create trigger audit_is_never_emptied before truncate on audit
    for each statement execute function audit_is_append_only();

-- A transaction sees the whole platform or one merchant (crates/postgres); whoever sets neither sees nothing but an error.
alter table merchants enable row level security;
alter table merchants force row level security;
create policy of_merchant on merchants using (current_setting('um.merchant') in ('*', id::text));

alter table staff enable row level security;
alter table staff force row level security;
create policy of_merchant on staff using (current_setting('um.merchant') in ('*', merchant_id::text));

alter table api_keys enable row level security;
alter table api_keys force row level security;
create policy of_merchant on api_keys using (current_setting('um.merchant') in ('*', merchant_id::text));

alter table audit enable row level security;
alter table audit force row level security;
create policy of_merchant on audit using (current_setting('um.merchant') in ('*', merchant_id::text));
