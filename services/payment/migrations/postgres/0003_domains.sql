-- What a value of a kind may be is said once, by a domain. A check of a table is read from its text again with every statement that
-- writes a row; that of a domain is kept ready by each session.
create domain currency as text constraint currency check (value ~ '^[A-Z]{3}$');
-- An amount of money that is never negative.
create domain tiyin as bigint constraint tiyin check (value >= 0);
create domain price as bigint constraint price check (value > 0);
create domain row_version as bigint constraint row_version check (value > 0);
create domain json_list as jsonb constraint json_list check (jsonb_typeof(value) = 'array');
create domain payable_state as text constraint payable_state check (value in ('open', 'closed', 'paid'));
create domain provider as text constraint provider check (value in ('payme', 'click', 'uzcard', 'stripe', 'cash'));
create domain payment_status as text constraint payment_status check (value in
    ('pending', 'processing', 'paid', 'failed', 'cancelled', 'refunded', 'partially_refunded'));
create domain payme_state as integer constraint payme_state check (value in (1, 2, -1, -2));

-- Columns that triggers look at keep their type as long as the triggers are there.
drop trigger payables_moves on payables;
drop trigger payments_moves on payments;
drop trigger payme_moves on payme_transactions;

alter table payables
    drop constraint payables_amount, alter column amount type tiyin,
    drop constraint payables_currency, alter column currency type currency,
    drop constraint payables_state, alter column state type payable_state,
    drop constraint payables_lines, alter column lines type json_list,
    drop constraint payables_delivery, alter column delivery type tiyin,
    drop constraint payables_version, alter column version type row_version;
alter table payments
    drop constraint payments_provider, alter column provider type provider,
    drop constraint payments_status, alter column status type payment_status,
    drop constraint payments_amount, alter column amount type price,
    drop constraint payments_currency, alter column currency type currency,
    drop constraint payments_version, alter column version type row_version;
alter table payme_transactions
    drop constraint payme_state, alter column state type payme_state,
    drop constraint payme_amount, alter column amount type price;

create trigger payables_moves before update on payables for each row
when (new.version <> old.version + 1
      or not (old.state = new.state or old.state = 'open' or (old.state = 'paid' and new.state = 'closed')))
execute function no_such_move();

create trigger payments_moves before update on payments for each row
when (new.version <> old.version + 1 or not (
    (old.status = 'pending' and new.status in ('pending', 'processing', 'cancelled', 'failed'))
    or (old.status = 'processing' and new.status in ('processing', 'paid', 'cancelled', 'failed'))
    or (old.status in ('paid', 'partially_refunded') and new.status in ('refunded', 'partially_refunded'))))
execute function no_such_move();

create trigger payme_moves before update on payme_transactions for each row
when (not (old.state = new.state or (old.state = 1 and new.state in (2, -1)) or (old.state = 2 and new.state = -2)))
execute function no_such_move();
