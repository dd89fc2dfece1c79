#!/usr/bin/env bash
# Starts MongoDB as a replica set of one member: transactions and majority writes need a set. Members of a set prove themselves with a
# key; this one makes its own and keeps it beside its data. For more members, give all of them the same file.
set -euo pipefail

key=/data/configdb/replica.key
if [[ ! -s $key ]]; then
    (umask 277 && head -c 756 /dev/urandom | base64 -w 0 >"$key")
fi
# The image's own start: it hands the folders to the server's user, makes users at the first start, and gives up root.
exec docker-entrypoint.sh mongod --replSet ultramarket --keyFile "$key" --bind_ip_all --wiredTigerCacheSizeGB 1
