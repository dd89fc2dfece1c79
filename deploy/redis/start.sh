#!/bin/sh
# Starts Redis with its password in a file that only it can read: command lines are shown to everybody on the machine. Carts live
# here: nothing is evicted, and a second of writes is what a crash may cost.
set -eu

configuration=${TMPDIR:-/tmp}/redis.conf
escaped=$(printf '%s' "$REDIS_PASSWORD" | sed 's/[\\"]/\\&/g')
(umask 077 && printf 'requirepass "%s"\n' "$escaped" >"$configuration")
exec redis-server "$configuration" --appendonly yes --appendfsync everysec --maxmemory-policy noeviction "$@"
