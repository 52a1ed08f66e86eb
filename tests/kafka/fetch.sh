#!/usr/bin/env bash
#   fetch.sh [VERSION]
# Makes an Apache Kafka broker ready for the tests and prints its folder in the cache:
#   *.jar         the broker, by Maven
#   formatted/    a formatted log directory, with the SCRAM user of the tests
#   classes.jsa   an archive of loaded classes: brokers start in half the time
# Run again, it only prints. 3 = it cannot be had (no Java or Maven, or the jars' repository cannot be reached).
set -uo pipefail
here=$(dirname "$(readlink -f "$0")")
version=${1:-$(sed -n 's:.*<kafka.version>\(.*\)</kafka.version>.*:\1:p' "$here/pom.xml")}
edition=2 # of what is made here; a new one makes it anew
folder=${XDG_CACHE_HOME:-${HOME:?}/.cache}/tocsin/kafka-$version-$edition
work=

jars() {
  local log=$work/maven.log
  timeout 600 mvn -B -q -f "$here/pom.xml" -Dkafka.version="$version" dependency:copy-dependencies -DoutputDirectory="$folder" >"$log" 2>&1 && return
  echo "kafka: the jars cannot be brought:" >&2
  grep -m 3 -i error "$log" >&2
  return 1
}

java=(java -Xmx256m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Dorg.slf4j.simpleLogger.defaultLogLevel=warn -cp "$folder/*")

format() {
  local port=$1
  cat >"$work/server.properties" <<END
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:$((port + 1))
listeners=PLAINTEXT://127.0.0.1:$port,CONTROLLER://127.0.0.1:$((port + 1))
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
log.dirs=$work/log
END
  "${java[@]}" kafka.tools.StorageTool format -t dG9jc2luLXRlc3RzLTAwMQ -c "$work/server.properties" \
    --add-scram 'SCRAM-SHA-256=[name=scout,password=scout-secret]' \
    --add-scram 'SCRAM-SHA-512=[name=scout,password=scout-secret]' >"$work/format.log" 2>&1 ||
    { cat "$work/format.log" >&2; return 1; }
  rm -rf "$folder/formatted"
  cp -r "$work/log" "$folder/formatted"
}

# A broker that is stopped in good order leaves the archive; without one, brokers start all the same.
archive() {
  local port=$1
  "${java[@]}" -XX:ArchiveClassesAtExit="$work/classes.jsa" kafka.Kafka "$work/server.properties" >"$work/broker.log" 2>&1 &
  local broker=$!
  for _ in $(seq 200); do
    (: </dev/tcp/127.0.0.1/"$port") 2>/dev/null && break
    sleep 0.1
  done
  sleep 1
  kill $broker
  wait $broker
  if [ -f "$work/classes.jsa" ]; then mv -f "$work/classes.jsa" "$folder/classes.jsa"; fi
}

if [ ! -f "$folder/complete" ]; then
  command -v mvn >/dev/null && command -v java >/dev/null || { echo "kafka: java or maven is missing" >&2; exit 3; }
  mkdir -p "$folder"
  exec 9>"$folder.lock"
  flock -w 600 9 || exit 3
  if [ ! -f "$folder/complete" ]; then
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    port=$((20000 + RANDOM % 10000))
    jars && format $port || exit 3
    archive $port
    touch "$folder/complete"
  fi
fi
echo "$folder"
