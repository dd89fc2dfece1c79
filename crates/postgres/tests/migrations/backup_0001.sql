create table things (
    row      bigint generated always as identity primary key,
    merchant uuid        not null,
    name     text        not null,
    note     text,
    body     jsonb       not null,
    hash     bytea       not null,
    at       timestamptz not null,
    double   bigint      generated always as (length(name) * 2) stored
);
-- Its name comes before that of what it refers to.
create table parts (
    thing  bigint not null references things (row),
    number integer not null,
    primary key (thing, number)
);
create sequence numbers;
alter table things enable row level security;
alter table things force row level security;
create policy of_merchant on things using (current_setting('um.merchant') in ('*', merchant::text));
create function never() returns trigger language plpgsql as $$ begin raise exception 'append only'; end $$;
create trigger never_changed before update or delete on things for each row execute function never();
create trigger never_emptied before truncate on things for each statement execute function never();
create table outbox (row bigint generated always as identity primary key, event text not null);
