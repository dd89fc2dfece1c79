# shellcheck shell=bash disable=SC2034,SC2154
# MinIO: buckets by S3's protocol, paths instead of host names.

comm=minio
readonly minio=v0.0.0-20260212201848-7aac2a2c5b7c
program=$cache/minio-$minio

obtain() {
    into_cache "minio-$minio" install_minio
}

install_minio() {
    say "$name: building MinIO (some minutes, once)"
    run_go "$1" install -ldflags="-s -w" "github.com/minio/minio@$minio"
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
