create table things (name text primary key, stock integer not null check (stock >= 0)) strict;
