# shellcheck shell=bash disable=SC2034,SC2154
# Processes, users and ports of one server; `use` has chosen it. No process-id files: a server is known by its name and by the
# folder in its command line, which cannot go stale.

readonly server_user=um-stores

as_other_user() {
    $refuses_root && ((EUID == 0))
}

# as_server <command...>: as the user that the server runs as.
as_server() {
    if as_other_user; then
        setpriv --reuid="$server_user" --regid="$server_user" --clear-groups -- env HOME="${home:-/}" "$@"
    else
        "$@"
    fi
}

# spawn <command...>: starts it in a session of its own, with nothing of ours open.
spawn() {
    (
        cd "$home" || exit
        exec </dev/null >>"$home/log" 2>&1
        for fd in "/proc/$BASHPID/fd/"*; do
            fd=${fd##*/}
            if ((fd > 2)); then eval "exec $fd>&-"; fi
        done
        if as_other_user; then
            exec setsid setpriv --reuid="$server_user" --regid="$server_user" --clear-groups -- env HOME="$home" "$@"
        fi
        exec setsid env HOME="$home" "$@"
    ) &
    spawned=$!
}

# Its processes, without those they started.
mains() {
    local folders file pid
    folders=$(printf '%s\n' "$state/$name" "$far/$name" | sed 's/[][\\.*^$+?(){}|]/\\&/g' | paste -sd'|')
    while IFS= read -r file; do
        pid=${file#/proc/} pid=${pid%/cmdline}
        if [[ $(cat "/proc/$pid/comm" 2>/dev/null) =~ ^($comm)$ ]]; then echo "$pid"; fi
    done < <(grep -lzsE -- "(^|=)($folders)(/|\$)" /proc/[0-9]*/cmdline)
}

# All of its processes. Some rewrite their command lines, so descent counts.
processes() {
    local -A parent=() ours=()
    local pid line up grown=true
    for pid in $(mains); do ours[$pid]=1; done
    ((${#ours[@]})) || return 0
    for pid in /proc/[0-9]*; do
        { IFS= read -r line <"$pid/stat"; } 2>/dev/null || continue
        # The second field is a name in parentheses and may hold anything.
        read -r _ up _ <<<"${line##*) }"
        parent[${pid#/proc/}]=$up
    done
    while $grown; do
        grown=false
        for pid in "${!parent[@]}"; do
            if [[ -n ${ours[${parent[$pid]}]:-} && -z ${ours[$pid]:-} ]]; then ours[$pid]=1 grown=true; fi
        done
    done
    printf '%s\n' "${!ours[@]}" | sort -n
}

# signal <name> <pid...>: to those that are still there.
signal() {
    local name=$1 pid
    shift
    for pid; do kill -s "$name" "$pid" 2>/dev/null || true; done
}

frozen() {
    local line
    { IFS= read -r line <"/proc/$(mains | head -n 1)/stat"; } 2>/dev/null && [[ ${line##*) } == T* ]]
}

freeze() {
    local before='' now
    now=$(processes)
    [[ -n $now ]] || { say "$name is not running"; exit 75; }
    # Until no process has appeared between looking and stopping.
    while [[ $now != "$before" ]]; do
        # shellcheck disable=SC2086
        signal STOP $now
        before=$now
        now=$(processes)
    done
}

thaw() {
    # shellcheck disable=SC2046
    signal CONT $(processes)
}

# gone <pid...>: whether none of them runs; one that has ended and that nobody has waited for counts as gone.
gone() {
    local pid
    for pid; do
        if { IFS= read -r -n 1 -d '' _ <"/proc/$pid/cmdline"; } 2>/dev/null; then return 1; fi
    done
}

# end_all <signal>: ends it with that signal; by force when it takes longer than 30 s.
end_all() {
    local all_of_it
    mapfile -t all_of_it < <(processes)
    ((${#all_of_it[@]})) || return 0
    # shellcheck disable=SC2046
    signal "$1" $(mains)
    signal CONT "${all_of_it[@]}"
    for _ in $(seq 300); do
        if gone "${all_of_it[@]}"; then return; fi
        sleep 0.1
    done
    say "$name does not end; ending it by force"
    mapfile -t -O "${#all_of_it[@]}" all_of_it < <(processes)
    signal KILL "${all_of_it[@]}"
    until gone "${all_of_it[@]}"; do sleep 0.1; done
}

# A free port below those that the system gives to outgoing connections. A file in the cache keeps it for this server, also
# while the server is stopped and while other sets look for theirs at the same moment.
free_port() {
    local candidate claim
    mkdir -p -- "$cache/ports"
    # Claims of sets that were removed by other means than `down`.
    find "$cache/ports" -type f -mmin +10 -print | while IFS= read -r claim; do
        [[ -e $(cat -- "$claim" 2>/dev/null) ]] || rm -f -- "$claim"
    done
    for _ in $(seq 1000); do
        candidate=$((20000 + RANDOM % 12000))
        (set -C && echo "$state/$name.env" >"$cache/ports/$candidate") 2>/dev/null || continue
        if ! (exec 3<>"/dev/tcp/127.0.0.1/$candidate") 2>/dev/null; then
            echo "$candidate"
            return
        fi
        rm -f -- "$cache/ports/$candidate"
    done
    cannot "there is no free port"
}

forget_ports() {
    [[ -d $cache/ports ]] || return 0
    { grep -rlxF -- "$state/$name.env" "$cache/ports" || true; } | xargs -rd '\n' rm -f --
}

# http_ok <path>: whether the server answers it with 200. By hand, so that no client has to be installed.
http_ok() (
    exec 3<>"/dev/tcp/127.0.0.1/$port" || exit 1
    printf 'GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n' "$1" >&3
    IFS= read -r -t 3 status <&3 && [[ $status == *' 200 '* ]]
) 2>/dev/null

secret() {
    od -An -N16 -tx1 /dev/urandom | tr -d ' \n'
}
