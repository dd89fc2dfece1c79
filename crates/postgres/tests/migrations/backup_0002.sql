alter table things add column kind text not null default 'plain';
update things set name = upper(name) where false;
create index things_kind on things (kind);
