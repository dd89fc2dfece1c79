# shellcheck shell=bash disable=SC2034,SC2154
# Redis, 6.2 or newer.

comm=redis-server

# Debian has the client and the program of the server in redis-tools (the server is redis-check-rdb under another name), and in
# redis-server little but a service for the whole system, which nobody asked for.
find_programs() {
    local rdb
    server=$(command -v redis-server || true)
    if [[ -z $server ]]; then
        server=$cache/redis/redis-server
        rdb=$(command -v redis-check-rdb || true)
        [[ -n $rdb ]] || return 1
        mkdir -p -- "$cache/redis" && ln -sfn -- "$rdb" "$server"
    fi
    "$server" --version 2>/dev/null | grep -q '^Redis server' && command -v redis-cli >/dev/null
}

obtain() {
    find_programs && return
    packages redis-tools
    find_programs && return
    packages redis-server
    find_programs || cannot "the package is installed, but there is no redis-server"
}

# Carts live here: nothing is evicted, and a second of writes is what a crash may cost.
create() {
    cat >"$home/redis.conf" <<CONFIGURATION
bind 127.0.0.1
port $port
dir "$home"
appendonly yes
appendfsync everysec
maxmemory-policy noeviction
set-proc-title no
CONFIGURATION
}

launch() {
    find_programs || cannot "its programs are gone: scripts/stores up $name"
    spawn "$server" "$home/redis.conf"
}

ready() {
    [[ $(timeout 3 redis-cli -h 127.0.0.1 -p "$port" ping 2>/dev/null) == PONG ]]
}

lines() {
    line UM_CART__STORE "redis://127.0.0.1:$port/0"
    line UM_GATEWAY__STORE "redis://127.0.0.1:$port/1"
    line UM_TEST_REDIS "redis://127.0.0.1:$port"
}
