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
