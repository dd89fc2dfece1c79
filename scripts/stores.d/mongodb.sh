# shellcheck shell=bash disable=SC2034,SC2154
# SecantusDB, a server of its own that speaks the MongoDB 8 wire protocol over WiredTiger: MongoDB's own server is in no Debian
# archive. It proves behaviour, not throughput.

comm=secantusd-py
readonly secantusdb=0.7.0b3
program=$cache/secantusdb-$secantusdb

obtain() {
    if [[ -e $program/.complete ]] && ! "$program/bin/python" -c 'import secantus, pymongo' 2>/dev/null; then
        rm -f -- "$program/.complete" # the Python it was made for is gone
    fi
    into_cache "secantusdb-$secantusdb" install_secantusdb
}

install_secantusdb() {
    say "$name: installing SecantusDB $secantusdb"
    python_environment "$1" "SecantusDB==$secantusdb"
}

create() {
    mkdir -- "$home/data"
    # An empty file of its own keeps it from those of the user.
    : >"$home/secantusd.toml"
}

launch() {
    spawn "$program/bin/secantusd-py" --config "$home/secantusd.toml" --host 127.0.0.1 --port "$port" \
        --storage-path "$home/data" --cache-size 256M --sync-on-commit --log-level WARNING
}

ready() {
    timeout 5 "$program/bin/python" -c 'if True:
        import sys, pymongo
        pymongo.MongoClient(sys.argv[1], serverSelectionTimeoutMS=1500).admin.command("ping")' \
        "mongodb://127.0.0.1:$port/?directConnection=true" 2>/dev/null
}

lines() {
    line UM_PRODUCT__STORE "mongodb://127.0.0.1:$port/product?directConnection=true"
    line UM_NOTIFICATION__STORE "mongodb://127.0.0.1:$port/notification?directConnection=true"
    line UM_TEST_MONGODB "mongodb://127.0.0.1:$port/?directConnection=true"
}
