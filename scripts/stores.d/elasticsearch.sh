# shellcheck shell=bash disable=SC2034,SC2154
# Elasticsearch: the core of the server as it is published for integration tests. It has no scripts, no analyzers of one's own, no
# _reindex and no _delete_by_query; GET / is answered with 405.

comm=java
refuses_root=true
readonly elasticsearch=8.19.8
program=$cache/elasticsearch-$elasticsearch

obtain() {
    server_user
    find_java || { packages openjdk-17-jre-headless; find_java || cannot "the package is installed, but there is no Java 17"; }
    into_cache "elasticsearch-$elasticsearch" install_elasticsearch
}

# The oldest Java from 17 on, and not beyond 24: what this version is made for.
find_java() {
    local folder version best=25
    java=''
    for folder in ${JAVA_HOME:+"$JAVA_HOME"} /usr/lib/jvm/*; do
        version=$(sed -n 's/^JAVA_VERSION="\([0-9]*\).*/\1/p' "$folder/release" 2>/dev/null || true)
        if ((${version:-0} >= 17 && version < best)) && as_server test -x "$folder/bin/java"; then java=$folder best=$version; fi
    done
    [[ -n $java ]]
}

install_elasticsearch() {
    local artifact=org.elasticsearch.distribution.integ-test-zip:elasticsearch:$elasticsearch:zip
    command -v mvn >/dev/null || packages maven
    command -v unzip >/dev/null || packages unzip
    say "$name: installing Elasticsearch $elasticsearch"
    # A repository of its own leaves nothing behind in the user's.
    attempt "the download by Maven" env MAVEN_OPTS="${MAVEN_OPTS:-} -XX:-UsePerfData" mvn -B -q -Dmaven.repo.local="$1/m2" \
        org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy -Dartifact="$artifact" -DoutputDirectory="$1"
    attempt "unpacking" unzip -q "$1"/*.zip -d "$1"
    rm -rf -- "$1/m2" "$1"/*.zip
}

create() {
    transport=$(free_port)
    mkdir -- "$home/config" "$home/data" "$home/logs" "$home/snapshots" "$home/tmp"
    # Its user does not reach the cache in a home folder that is closed to others.
    folder=$program/elasticsearch-$elasticsearch
    if ! as_server test -r "$folder/lib/elasticsearch-$elasticsearch.jar"; then
        cp -R -- "$folder" "$home/program"
        folder=$home/program
    fi
    remember transport folder
    cp -R -- "$folder/config/." "$home/config"
    printf '%s\n' -Xms512m -Xmx512m >"$home/config/jvm.options.d/ultramarket.options"
    cat >"$home/config/elasticsearch.yml" <<CONFIGURATION
cluster.name: ultramarket
discovery.type: single-node
network.host: 127.0.0.1
http.port: $port
transport.port: $transport
path.data: "$home/data"
path.logs: "$home/logs"
path.repo: ["$home/snapshots"]
xpack.security.enabled: false
cluster.routing.allocation.disk.threshold_enabled: false
CONFIGURATION
}

launch() {
    find_java || cannot "Java is gone: scripts/stores up $name"
    # The launcher leaves when the server is up. The option keeps every Java of it from writing performance data into /tmp.
    spawn env -u JAVA_HOME -u JAVA_OPTS -u ES_JAVA_OPTS ES_JAVA_HOME="$java" JDK_JAVA_OPTIONS=-XX:-UsePerfData \
        ES_PATH_CONF="$home/config" ES_TMPDIR="$home/tmp" "$folder/bin/elasticsearch" -d
}

ready() {
    http_ok '/_cluster/health?wait_for_status=yellow&timeout=2s'
}

lines() {
    line UM_SEARCH__STORE "http://127.0.0.1:$port/ultramarket"
    line UM_TEST_ELASTICSEARCH "http://127.0.0.1:$port"
}
