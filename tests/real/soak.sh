#!/usr/bin/env bash
# A long run: 300 targets a second, a server that comes and goes; memory and file descriptors must not grow. Usage: soak.sh [SECONDS] [TOCSIN]
set -euo pipefail
seconds=${1:-600} tocsin=${2:-build/tocsin}
work=$(mktemp -d -t tocsin-soak.XXXXXX)
trap 'kill $(jobs -p) 2>/dev/null || true; wait 2>/dev/null || true; rm -rf "$work"' EXIT
port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
redis=$(port) web=$(port)
{
  echo "global: {probe_interval: 1s, probe_timeout: 500ms}"
  echo "probes:"
  for n in $(seq 300); do echo "  - {job: j$n, targets: ['redis://127.0.0.1:$redis']}"; done
} >"$work/t.yml"
(while true; do
  redis-server --port "$redis" --bind 127.0.0.1 --save '' --dir "$work" >/dev/null 2>&1 &
  server=$!
  sleep 20
  kill -9 $server
  wait $server 2>/dev/null || true
  sleep 3
done) &
"$tocsin" run --config "$work/t.yml" --listen "127.0.0.1:$web" 2>"$work/log" &
pid=$!
usage() { echo "$(awk '/VmRSS/{print $2}' /proc/$pid/status) $(ls /proc/$pid/fd | wc -l)"; }
sleep $((seconds / 3))
read -r memory_before files_before < <(usage)
end=$((SECONDS + seconds * 2 / 3))
while [ $SECONDS -lt $end ]; do
  curl -sf "http://127.0.0.1:$web/metrics" >/dev/null || { echo "soak: /metrics failed"; exit 1; }
  sleep 5
done
read -r memory_after files_after < <(usage)
echo "soak: memory $memory_before -> $memory_after KiB, files $files_before -> $files_after"
# Samples fill up to the retention, so some growth is due; a leak would be more.
[ "$memory_after" -lt $((memory_before * 2)) ] || { echo "soak: memory grew"; exit 1; }
[ "$files_after" -lt $((files_before + 20)) ] || { echo "soak: files leak"; exit 1; }
