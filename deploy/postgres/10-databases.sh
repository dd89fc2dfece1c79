#!/usr/bin/env bash
# Runs once, when the server's folder is empty: a database for each service that keeps its data in PostgreSQL, owned by a role that
# is no superuser and does not bypass row-level security. The superuser then has no password: `docker compose exec postgres psql -U
# postgres` works from inside the container, nothing from the network.
set -euo pipefail

for service in auth order payment; do
    psql -X -q -v ON_ERROR_STOP=1 -U postgres -d postgres -v role="$service" -v password="$POSTGRES_PASSWORD" <<'SQL'
CREATE ROLE :"role" LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE PASSWORD :'password';
CREATE DATABASE :"role" OWNER :"role";
REVOKE ALL ON DATABASE :"role" FROM PUBLIC;
SQL
done
psql -X -q -v ON_ERROR_STOP=1 -U postgres -d postgres -c 'ALTER ROLE postgres PASSWORD NULL'
