-- Corrections of what merchants are owed: why, by whom, and the answer for repeats of the request. The sum stands in the ledger.
create table adjustments (
    entry_id     text    primary key references ledger (id) deferrable initially deferred,
    merchant_id  text    not null,
    reason       text    not null check (reason <> ''),
    actor        text    not null check (actor <> ''),
    scope        text    not null,
    key          text    not null,
    request_hash blob    not null,
    response     blob    not null,
    at           integer not null,
    unique (scope, key)
) strict, without rowid;
create index adjustments_of_merchant on adjustments (merchant_id, entry_id desc);

-- No correction without somebody who says why.
create trigger ledger_adjusted before insert on ledger
when new.kind = 'adjustment' and not exists (
    select 1 from adjustments where entry_id = new.id and merchant_id is new.merchant_id
) begin
    select raise(abort, 'a correction without its reason');
end;
