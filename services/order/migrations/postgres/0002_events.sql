create table outbox (
    row          bigint generated always as identity primary key,
    event        uuid        not null,
    subscriber   text        not null,
    kind         text        not null,
    subject      text        not null,
    payload      bytea       not null,
    written_at   timestamptz not null,
    next_at      timestamptz not null,
    leased_until timestamptz,
    attempts     integer     not null default 0,
    parked       boolean     not null default false,
    error        text,
    unique (event, subscriber)
);

create index outbox_due on outbox (subscriber, row) where not parked;
create table inbox (event uuid primary key, at timestamptz not null);
