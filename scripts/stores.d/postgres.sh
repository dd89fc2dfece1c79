# shellcheck shell=bash disable=SC2034,SC2154
# PostgreSQL, 14 or newer: a database for each service that keeps its data there, owned by a role that is no superuser and does
# not bypass row-level security.

comm=postgres
refuses_root=true
end_signal=INT   # ends sessions and leaves a clean data folder; TERM would wait for the sessions
drop_signal=QUIT # KILL would leave shared memory behind
services=(auth order payment)

# The newest one here.
find_programs() {
    bin=$(printf '%s\n' /usr/lib/postgresql/*/bin/initdb | sort -V | tail -n 1)
    [[ -x $bin ]] || bin=$(command -v initdb || true)
    bin=${bin%/initdb}
    [[ -n $bin && -x $bin/postgres && -x $bin/psql ]]
}

obtain() {
    if ! find_programs; then
        packages postgresql postgresql-client
        find_programs || cannot "the package is installed, but there is no initdb"
    fi
    server_user
}

create() {
    local service
    superuser_password=$(secret)
    tester_password=$(secret)
    for service in "${services[@]}"; do
        declare -g "${service}_password=$(secret)"
        remember "${service}_password"
    done
    remember superuser_password tester_password
    (umask 077 && echo "$superuser_password" >"$home/password")
    if as_other_user; then chown "$server_user:" "$home/password"; fi
    as_server "$bin/initdb" -D "$home/data" -U postgres -A scram-sha-256 --pwfile="$home/password" \
        -E UTF8 --locale=C.UTF-8 --no-instructions >>"$home/log" 2>&1 || cannot "initdb: $(tail -n 3 "$home/log" | tr '\n' ' ')"
    rm -- "$home/password"
    as_server tee -a "$home/data/postgresql.conf" >/dev/null <<CONFIGURATION
listen_addresses = '127.0.0.1'
port = $port
unix_socket_directories = ''
max_connections = 300
fsync = on
synchronous_commit = on
CONFIGURATION
}

# A server that was killed blocks its data folder until somebody has waited for it; nobody ever may, where process 1 is no init.
wait_for_predecessor() {
    local pid file=$home/data/postmaster.pid
    [[ -e $file ]] || return 0
    pid=$(head -n 1 "$file")
    for _ in $(seq 50); do
        [[ -d /proc/$pid ]] || return 0
        sleep 0.1
    done
    if gone "$pid"; then rm -f -- "$file"; fi
}

launch() {
    find_programs || cannot "its programs are gone: scripts/stores up $name"
    wait_for_predecessor
    spawn "$bin/postgres" -D "$home/data"
}

ready() {
    find_programs && "$bin/pg_isready" -q -t 3 -h 127.0.0.1 -p "$port" -d postgres
}

settle() {
    local service password
    for service in "${services[@]}"; do
        password=${service}_password
        cat <<SQL
CREATE ROLE "$service" LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE PASSWORD '${!password}';
CREATE DATABASE "$service" OWNER "$service";
REVOKE ALL ON DATABASE "$service" FROM PUBLIC;
SQL
    done | cat - <(echo "CREATE ROLE tester LOGIN NOSUPERUSER NOBYPASSRLS CREATEDB NOCREATEROLE PASSWORD '$tester_password';") | PGPASSWORD=$superuser_password "$bin/psql" -X -q -v ON_ERROR_STOP=1 -h 127.0.0.1 -p "$port" -U postgres -d postgres \
        >>"$home/log" 2>&1 || cannot "its databases could not be created: $(tail -n 3 "$home/log" | tr '\n' ' ')"
}

lines() {
    local service password
    for service in "${services[@]}"; do
        password=${service}_password
        line "UM_${service^^}__STORE" "postgres://$service:${!password}@127.0.0.1:$port/$service"
    done
    # It makes databases of its own; a superuser would see through row-level security.
    line UM_TEST_POSTGRES "postgres://tester:$tester_password@127.0.0.1:$port/postgres"
}
