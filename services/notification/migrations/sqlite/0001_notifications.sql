-- Lists in the application.
create table notifications (
    id        text    primary key,
    recipient text    not null,
    kind      text    not null,
    title     text    not null,
    body      text    not null,
    data      text    not null check (json_valid(data)),
    at        integer not null,
    read_at   integer
) strict;

create index notifications_newest on notifications (recipient, at desc, id desc);
create index notifications_unread on notifications (recipient) where read_at is null;

-- Texts on their way to addresses, and what became of them.
create table deliveries (
    id         text    primary key,
    event      text    not null,
    channel    text    not null check (channel in ('in_app', 'log', 'sms', 'email')),
    recipient  text    not null,
    template   text    not null,
    subject    text    not null,
    -- Emptied when it was secret and is sent or given up.
    text       text    not null,
    secret     integer not null check (secret in (0, 1)),
    state      text    not null check (state in ('queued', 'sent', 'failed')),
    attempts   integer not null default 0,
    next_at    integer not null,
    created_at integer not null,
    settled_at integer,
    error      text,
    -- One event sends one text to one address through one channel.
    unique (event, channel, recipient),
    check (secret = 0 or state = 'queued' or text = '')
) strict;

create index deliveries_due on deliveries (next_at) where state = 'queued';
create index deliveries_old on deliveries (settled_at) where state <> 'queued';

-- What subscribers are told, in order. `seq` is never used twice, even when the newest rows are forgotten.
create table realtime (
    seq       integer primary key autoincrement,
    id        text    not null unique,
    recipient text    not null,
    kind      text    not null,
    data      text    not null check (json_valid(data)),
    at        integer not null
) strict;

create index realtime_of on realtime (recipient, seq);

create table inbox (event text primary key, at integer not null) strict, without rowid;
create index inbox_old on inbox (at);
