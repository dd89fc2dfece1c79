create table things (
    name     text primary key,
    merchant uuid not null,
    stock    bigint not null constraint things_stock check (stock >= 0)
);
alter table things enable row level security;
alter table things force row level security;
create policy of_merchant on things
    using (current_setting('um.merchant') in ('*', merchant::text));
