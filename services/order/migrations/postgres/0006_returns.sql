-- Pieces that a shopper has brought back.
alter domain stock_cause drop constraint stock_cause;
alter domain stock_cause add constraint stock_cause check (value in ('counted', 'held', 'sold', 'released', 'returned'));
create domain refund_state as text constraint refund_state check (value in
    ('pending', 'succeeded', 'failed', 'needs_manual'));
create domain return_state as text constraint return_state check (value in
    ('requested', 'approved', 'refused', 'received', 'refunded'));

-- What was paid for an order and how much of it goes back: never more than was paid. An order of which nothing goes back has no row.
create table order_money (
    order_id uuid  constraint order_money_pkey primary key constraint order_money_order references orders (id),
    paid     tiyin not null,
    back     tiyin not null,
    constraint order_money_back check (back <= paid)
);

-- Pieces of a line that are not sent, or asked back: never more than were bought.
create table gone_pieces (
    order_id uuid     not null constraint gone_pieces_order references orders (id),
    item_id  uuid     not null,
    bought   quantity not null,
    gone     stock    not null,
    constraint gone_pieces_pkey primary key (order_id, item_id),
    constraint gone_pieces_gone check (gone <= bought)
);

-- Where refunds stand. Their documents are in the order.
create table refunds (
    id          uuid         constraint refunds_pkey primary key,
    order_id    uuid         not null constraint refunds_order references orders (id),
    -- Null: money for the delivery, which is the platform's.
    merchant_id uuid,
    amount      price        not null,
    state       refund_state not null,
    at          timestamptz  not null,
    -- When the payment service is asked; null when there is nothing to ask.
    next_at     timestamptz,
    attempts    bigint       not null default 0,
    constraint refunds_waiting check ((state = 'pending') = (next_at is not null))
);

create index refunds_due on refunds (next_at) where next_at is not null;
create index refunds_newest on refunds (at desc, id desc);
create index refunds_of_order on refunds (order_id);

-- Where returns stand. Their documents are in the order.
create table returns (
    id          uuid         constraint returns_pkey primary key,
    order_id    uuid         not null constraint returns_order references orders (id),
    merchant_id uuid         not null,
    state       return_state not null,
    at          timestamptz  not null
);

create index returns_newest on returns (merchant_id, at desc, id desc);

-- When delivered orders are completed.
create table completions (
    order_id uuid        constraint completions_pkey primary key constraint completions_order references orders (id),
    due_at   timestamptz not null
);

create index completions_due on completions (due_at);

alter table refunds enable row level security;
alter table refunds force row level security;
create policy of_merchant on refunds using (current_setting('um.merchant') in ('*', merchant_id::text));

alter table returns enable row level security;
alter table returns force row level security;
create policy of_merchant on returns using (current_setting('um.merchant') in ('*', merchant_id::text));
