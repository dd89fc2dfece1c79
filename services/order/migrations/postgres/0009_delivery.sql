create domain grams as bigint constraint grams check (value between 0 and 1000000);
-- What one piece weighs, in grams; 0 where that is not known.
alter table offers add column weight grams not null default 0;
-- What delivery of the merchant's goods costs, by zone and weight; null: what it costs everybody.
alter table merchants add column delivery jsonb;
