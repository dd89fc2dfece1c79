create domain filled as text constraint filled check (value <> '');

-- Corrections of what merchants are owed: why, by whom, and the answer for repeats of the request. The sum stands in the ledger.
create table adjustments (
    entry_id     uuid        constraint adjustments_pkey primary key
                 constraint adjustments_entry references ledger (id) deferrable initially deferred,
    merchant_id  uuid        not null,
    reason       filled      not null,
    actor        filled      not null,
    scope        text        not null,
    key          text        not null,
    request_hash bytea       not null,
    response     bytea       not null,
    at           timestamptz not null,
    constraint adjustments_key unique (scope, key)
);

create index adjustments_of_merchant on adjustments (merchant_id, entry_id desc);

-- No correction without somebody who says why.
create function ledger_adjusted() returns trigger language plpgsql as $$
begin
    if not exists (select from adjustments where entry_id = new.id and merchant_id is not distinct from new.merchant_id) then
        raise exception 'a correction without its reason' using errcode = 'integrity_constraint_violation', constraint = 'ledger_adjusted';
    end if;
    return null;
end $$;

create trigger ledger_adjusted after insert on ledger for each row when (new.kind = 'adjustment') execute function ledger_adjusted();

alter table adjustments enable row level security;
alter table adjustments force row level security;
create policy of_merchant on adjustments using (current_setting('um.merchant') in ('*', merchant_id::text));
