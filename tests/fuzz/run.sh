#!/usr/bin/env bash
# Builds every fuzz target with clang, ASan and UBSan, and runs each for a while. Usage: run.sh [SECONDS] [NAME...]
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/../.."
seconds=${1:-60}
[ $# -gt 0 ] && shift
[ -f build/fuzz/build.ninja ] || cmake --preset fuzz >/dev/null
targets=("$@")
if [ ${#targets[@]} = 0 ]; then
  for file in tests/fuzz/*_fuzz.cpp; do targets+=("$(basename "$file" .cpp)"); done
fi
ninja -C build/fuzz "${targets[@]}"
for target in "${targets[@]}"; do
  mkdir -p "build/fuzz/corpus/$target"
  printf '== %s\n' "$target"
  "build/fuzz/tests/$target" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -print_final_stats=0 -verbosity=0 "build/fuzz/corpus/$target"
done
printf '%d fuzz targets ran %s s each and found nothing\n' "${#targets[@]}" "$seconds"
