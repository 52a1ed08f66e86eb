#!/usr/bin/env bash
# Benchmarks: tocsin beside its peers, in turns in one run. Usage: run.sh [probes|detect|fleet|growth|start|store|promql|alerts] [OPTIONS]
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/.."
name=${1:-probes}
[ $# -gt 0 ] && shift
case $name in
  probes | detect | fleet | growth | start) exec python3 "bench/$name.py" --tocsin "${TOCSIN:-build/release/tocsin}" "$@" ;;
  store | promql | alerts)
    cmake --preset release -DTOCSIN_BENCH=ON >/dev/null
    ninja -C build/release "bench_$name"
    exec "build/release/bench/bench_$name" "$@"
    ;;
  *) sed -n '2s/^# //p' "$0" >&2; exit 2 ;;
esac
