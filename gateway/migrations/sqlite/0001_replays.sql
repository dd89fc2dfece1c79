-- Answers that are given again to a repeat of their request. An answer without a status is still being worked out.
create table replays (
    scope blob not null primary key check (length(scope) = 32),
    request blob not null check (length(request) = 32),
    claimed_at integer not null,
    status integer check (status between 200 and 599),
    content_type text not null default '',
    body blob not null default x''
) strict;

create index replays_by_age on replays (claimed_at);
