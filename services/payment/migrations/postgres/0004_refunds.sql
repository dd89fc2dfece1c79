create domain refund_state as text constraint refund_state check (value in
    ('pending', 'asked', 'succeeded', 'failed', 'needs_manual'));

-- Money that goes back, by the name that the order service gives it. Whoever writes one holds the order's row in `payables`.
create table refunds (
    id         uuid         constraint refunds_pkey primary key,
    order_id   uuid         not null,
    -- Null: no payment of the order was known.
    payment_id uuid         constraint refunds_payment references payments (id),
    amount     price        not null,
    state      refund_state not null,
    note       text         not null,
    created_at timestamptz  not null,
    -- When the provider was asked.
    asked_at   timestamptz,
    settled_at timestamptz,
    constraint refunds_asked check (state <> 'asked' or asked_at is not null)
);

create index refunds_of_payment on refunds (payment_id);

create function no_more_than_paid() returns trigger language plpgsql as $$
begin
    if (select coalesce(sum(amount), 0) from refunds where payment_id = new.payment_id and state <> 'failed') + new.amount
       > (select amount from payments where id = new.payment_id) then
        raise exception 'refunds: more than was paid'
            using errcode = 'check_violation', constraint = tg_name, table = tg_table_name;
    end if;
    return new;
end
$$;

create trigger refunds_sum before insert on refunds for each row
when (new.state <> 'failed' and new.payment_id is not null) execute function no_more_than_paid();

create trigger refunds_moves before update on refunds for each row
when (not (old.state = new.state or old.state in ('pending', 'asked')
           or (old.state = 'needs_manual' and new.state = 'succeeded')))
execute function no_such_move();
