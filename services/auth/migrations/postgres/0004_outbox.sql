-- Rows of the outbox live for a moment. Payloads stay where they are while a lease is written beside them, a lease fits into the
-- page of its row, and what is gone is cleared away early.
alter table outbox alter column payload set storage external;
alter table outbox set (
    toast_tuple_target = 128, fillfactor = 50,
    autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_cost_delay = 0
);
