-- Numbers of orders are given above this, whatever orders there are: after a restore those between were told to somebody whose order is lost.
create table numbering (
    id    integer primary key check (id = 1),
    floor integer not null check (floor >= 0)
) strict;
insert into numbering values (1, 0);
