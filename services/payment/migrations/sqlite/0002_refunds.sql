-- Money that goes back, by the name that the order service gives it.
create table refunds (
    id         text    primary key,
    order_id   text    not null,
    -- Null: no payment of the order was known.
    payment_id text    references payments,
    amount     integer not null check (amount > 0),
    state      text    not null check (state in ('pending', 'asked', 'succeeded', 'failed', 'needs_manual')),
    note       text    not null,
    created_at integer not null,
    -- When the provider was asked.
    asked_at   integer,
    settled_at integer,
    check ((state = 'asked') <= (asked_at is not null))
) strict, without rowid;
create index refunds_of_payment on refunds (payment_id);

create trigger refunds_sum before insert on refunds
when new.state <> 'failed' and new.payment_id is not null
and (select coalesce(sum(amount), 0) from refunds where payment_id = new.payment_id and state <> 'failed') + new.amount
    > (select amount from payments where id = new.payment_id)
begin
    select raise(abort, 'refunds.amount: more than was paid');
end;

create trigger refunds_moves before update of state on refunds
when not (old.state = new.state or old.state in ('pending', 'asked')
          or (old.state = 'needs_manual' and new.state = 'succeeded'))
begin
    select raise(abort, 'refunds.state: no such move');
end;
