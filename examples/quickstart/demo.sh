#!/usr/bin/env bash
# The main job, live: real Redis, nginx, PostgreSQL, Kafka and Alertmanager on loopback, in a temporary folder, and tocsin between them.
#   demo.sh [--tocsin BINARY] [--once] [--silence]
# --once: ends by itself, with exit 0 only if everything happened. --silence: a silence in Alertmanager keeps the action from running.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
tocsin=tocsin once=false silence=false
while [ $# -gt 0 ]; do
  case $1 in
    --tocsin) tocsin=$(readlink -f "$2"); shift 2 ;;
    --once) once=true; shift ;;
    --silence) silence=true; shift ;;
    *) sed -n '2,4s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
  esac
done

work=$(mktemp -d -t tocsin-demo.XXXXXX)
pids=()
finish() {
  local status=$?
  trap - EXIT INT TERM
  for ((i = ${#pids[@]} - 1; i >= 0; --i)); do kill "${pids[i]}" 2>/dev/null || true; done
  wait 2>/dev/null || true
  if [ $status != 0 ] && [ -f "$work/tocsin.log" ]; then echo "--- the end of tocsin's log:"; tail -n 20 "$work/tocsin.log"; fi
  rm -rf "$work"
  exit $status
}
trap finish EXIT INT TERM

free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
now_ms() { date +%s%3N; }
begin=$(now_ms)
say() { printf '%8.3f s  %s\n' "$(($(now_ms) - begin))e-3" "$*"; }
fail() { say "FAILED: $*"; exit 1; }
# until_true SECONDS WHAT COMMAND...: asks every 20 ms.
until_true() {
  local limit=$(($(now_ms) + $1 * 1000)) what=$2
  shift 2
  until "$@" >/dev/null 2>&1; do
    [ "$(now_ms)" -lt $limit ] || fail "$what did not happen in time"
    sleep 0.02
  done
}
start() { "$@" >>"$work/servers.log" 2>&1 & pids+=($!); }

REDIS_PORT=$(free_port) HTTP_PORT=$(free_port) POSTGRES_PORT=$(free_port) KAFKA_PORT=$(free_port) ALERTMANAGER_PORT=$(free_port)
web=$(free_port) controller=$(free_port)
export REDIS_PORT HTTP_PORT POSTGRES_PORT KAFKA_PORT ALERTMANAGER_PORT
am=http://127.0.0.1:$ALERTMANAGER_PORT page=http://127.0.0.1:$web

redis() { redis-cli -p "$REDIS_PORT" "$@"; }
tocsin_alert() { curl -sf "$page/api/v1/alerts" | jq -e --arg a "$1" --arg s "$2" '.data.alerts[] | select(.labels.alertname == $a and .state == $s)'; }
no_tocsin_alert() { curl -sf "$page/api/v1/alerts" | jq -e --arg a "$1" '[.data.alerts[] | select(.labels.alertname == $a)] | length == 0'; }
am_alert() { curl -sf "$am/api/v2/alerts" | jq -e --arg a "$1" '.[] | select(.labels.alertname == $a)'; }
no_am_alert() { curl -sf "$am/api/v2/alerts" | jq -e --arg a "$1" '[.[] | select(.labels.alertname == $a)] | length == 0'; }
action_step() { curl -sf "$page/api/v1/tocsin/actions" | jq -e --arg s "$1" '.data.recent[] | select(.step == $s)'; }
action_reason() { curl -sf "$page/api/v1/tocsin/actions" | jq -re '.data.actions[0].reason'; }
target_well() { curl -sf "$page/api/v1/targets" | jq -e --argjson n "$watched" '[.data.activeTargets[] | select(.health == "up")] | length == $n'; }

port_open() { (: </dev/tcp/127.0.0.1/"$1") 2>/dev/null; }

# PostgreSQL does not run as root: there it runs as its own user.
start_postgres() {
  local bin as=()
  bin=$(ls -d /usr/lib/postgresql/*/bin | sort -V | tail -n 1)
  [ "$(id -u)" = 0 ] && as=(setpriv --reuid=postgres --regid=postgres --clear-groups --)
  chmod 755 "$work"
  mkdir "$work/postgres"
  [ "$(id -u)" = 0 ] && chown postgres: "$work/postgres"
  "${as[@]}" "$bin/initdb" -D "$work/postgres" -U postgres -A trust -N -E UTF8 --locale=C >>"$work/servers.log" 2>&1
  start "${as[@]}" "$bin/postgres" -D "$work/postgres" -p "$POSTGRES_PORT" -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c fsync=off
  postgres_pid=${pids[-1]}
}

# Kafka comes as jars by Maven; where they cannot be had the demo goes on without it.
start_kafka() {
  local jars
  jars=$("$here/../../tests/kafka/fetch.sh" 2>>"$work/servers.log" | tail -n 1) || return 1
  cp -r "$jars/formatted" "$work/kafka"
  cat >"$work/kafka.properties" <<END
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:$controller
listeners=PLAINTEXT://127.0.0.1:$KAFKA_PORT,CONTROLLER://127.0.0.1:$controller
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
offsets.topic.replication.factor=1
log.dirs=$work/kafka
END
  local shared=()
  [ -f "$jars/classes.jsa" ] && shared=("-XX:SharedArchiveFile=$jars/classes.jsa")
  start java -Xmx256m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 "${shared[@]}" -cp "$jars/*" kafka.Kafka "$work/kafka.properties"
  kafka_pid=${pids[-1]}
}

# Real servers.
sed "s/HTTP_PORT/$HTTP_PORT/" "$here/nginx.conf" >"$work/nginx.conf"
start redis-server --port "$REDIS_PORT" --bind 127.0.0.1 --save '' --appendonly no --maxmemory 33554432 --maxmemory-policy allkeys-lru --dir "$work"
start "$(command -v nginx || echo /usr/sbin/nginx)" -p "$work" -e stderr -c "$work/nginx.conf"
nginx_pid=${pids[-1]}
start prometheus-alertmanager --config.file="$here/alertmanager.yml" --storage.path="$work/alertmanager" --web.listen-address="127.0.0.1:$ALERTMANAGER_PORT" --cluster.listen-address=
until_true 20 "Redis" redis ping
until_true 20 "Alertmanager" curl -sf "$am/-/ready"
until_true 20 "nginx" curl -sf "http://127.0.0.1:$HTTP_PORT/health"
start_postgres
watched=3 kafka="no Kafka (its jars cannot be had)" kafka_pid=
cp "$here"/*.yml "$work/"
if start_kafka; then
  watched=4 kafka="Kafka on :$KAFKA_PORT"
  until_true 45 "Kafka" port_open "$KAFKA_PORT"
else
  rm "$work/kafka.yml"
fi
until_true 20 "PostgreSQL" port_open "$POSTGRES_PORT"
say "Redis on :$REDIS_PORT (32 MiB, allkeys-lru), nginx on :$HTTP_PORT, PostgreSQL on :$POSTGRES_PORT, $kafka, Alertmanager on :$ALERTMANAGER_PORT"

mkdir "$work/data"
"$tocsin" run --config "$work/tocsin.yml" --listen "127.0.0.1:$web" --data-dir "$work/data" --socket "$work/tocsin.sock" 2>"$work/tocsin.log" & pids+=($!)
until_true 20 "tocsin" curl -sf "$page/-/ready"
until_true 20 "the first probes" target_well
until_true 20 "the watchdog alert" am_alert TocsinWatchdog
say "tocsin watches all $watched; its status page is $page/"

if $silence; then
  until_at=$(date -u -d '+1 hour' +%Y-%m-%dT%H:%M:%SZ)
  curl -sf -H 'Content-Type: application/json' "$am/api/v2/silences" -o /dev/null -d "{\"matchers\":[{\"name\":\"alertname\",\"value\":\"CacheUnderPressure\",\"isRegex\":false,\"isEqual\":true}],\"startsAt\":\"$(date -u +%Y-%m-%dT%H:%M:%SZ)\",\"endsAt\":\"$until_at\",\"createdBy\":\"demo\",\"comment\":\"being looked at\"}"
  say "somebody silences CacheUnderPressure in Alertmanager"
fi

say "1. Redis is loaded until it evicts"
(while true; do redis-benchmark -p "$REDIS_PORT" -t set -r 40000 -d 1024 -n 40000 -P 16 -q; sleep 1; done) >/dev/null 2>&1 & pids+=($!)
load_pid=$!
until_true 30 "pending" tocsin_alert CacheUnderPressure pending
say "   CacheUnderPressure is pending ($(redis info stats | tr -d '\r' | sed -n 's/^evicted_keys://p') keys evicted)"
until_true 30 "firing" tocsin_alert CacheUnderPressure firing
say "   CacheUnderPressure is firing"
until_true 30 "the alert at Alertmanager" am_alert CacheUnderPressure
say "   Alertmanager has it"

if $silence; then
  until_true 30 "the reason" sh -c "curl -sf '$page/api/v1/tocsin/actions' | jq -e '.data.actions[0].reason | test(\"silenced\")'"
  say "   the action does not run: $(action_reason)"
  [ "$(redis config get maxmemory | tail -n 1)" = 33554432 ] || fail "the action ran although the alert is silenced"
  say "   Redis's maxmemory is what it was. All as it should be."
  exit 0
fi

until_true 30 "the action" sh -c "[ \"\$(redis-cli -p $REDIS_PORT config get maxmemory | tail -n 1)\" = 134217728 ]"
say "   the action has raised Redis's maxmemory: $(action_step started | jq -rs '.[0] | "\(.from) -> \(.to)"')"
until_true 60 "verification" action_step effective
say "   verified: the alert has cleared"
until_true 60 "the resolution" no_tocsin_alert CacheUnderPressure
until_true 60 "the resolution at Alertmanager" no_am_alert CacheUnderPressure
say "   Alertmanager has it resolved"
kill $load_pid 2>/dev/null || true

# job_alert JOB SINCE: an alert of the job that began no earlier (in milliseconds; Alertmanager's time is taken by the second).
job_alert() { curl -sf "$am/api/v2/alerts" | jq -e --arg j "$1" --argjson since "$2" '.[] | select(.labels.job == $j and (.startsAt[0:19] + "Z" | fromdate) >= ($since / 1000 | floor))'; }
# killed JOB WHAT PID...: kills, and says how soon Alertmanager knows.
killed() {
  local job=$1 what=$2 at
  shift 2
  say "$what is killed"
  at=$(now_ms)
  kill -9 "$@" 2>/dev/null || true
  until_true 30 "the alert about it" job_alert "$job" "$at"
  say "   Alertmanager knows $(($(now_ms) - at)) ms later: $(job_alert "$job" "$at" | jq -rs '.[0].labels.alertname')"
}
killed shop "2. The HTTP service" "$nginx_pid" $(pgrep -P "$nginx_pid")
killed db "3. PostgreSQL" "$postgres_pid" $(pgrep -P "$postgres_pid")
[ -z "$kafka_pid" ] || killed messages "4. The Kafka broker" "$kafka_pid"

say "All of it happened. The status page is $page/, Alertmanager's $am/"
$once && exit 0
echo "          Stays up until ^C."
wait
