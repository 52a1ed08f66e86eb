#!/usr/bin/env bash
# Holds every #include of a room against the arrows of the house. Usage: includes.sh SOURCE_DIR
set -euo pipefail
cd "$1"

declare -A may=(
  [core]=""
  [net]="core"
  [probes]="core net"
  [store]="core"
  [rules]="core store"
  [state]="core"
  [alerts]="core net state"
  [actions]="core net state"
  [daemon]="core net probes store rules state alerts actions"
)
bad=0
complain() { echo "$1: $2"; bad=1; }

for room in "${!may[@]}"; do
  allowed=" $room ${may[$room]} "
  while IFS=: read -r file line text; do
    included=$(sed -E 's/.*"tocsin\/([a-z_]+)\/.*/\1/' <<<"$text")
    [[ $allowed == *" $included "* ]] || complain "$file:$line" "$room may not include $included (design: $room -> ${may[$room]:-nothing})"
  done < <(grep -rnE '^#include "tocsin/' --include='*.hpp' --include='*.cpp' "$room" || true)
  # A path out of the room would go around the include roots.
  while IFS=: read -r file line text; do
    complain "$file:$line" "include by a path out of the room"
  done < <(grep -rnE '^#include "\.\./\.\./' --include='*.hpp' --include='*.cpp' "$room" || true)
done

# Asio's and Beast's templates are instantiated in net/ only; the others see `awaitable` and the executor type, through net's headers.
while IFS=: read -r file line text; do
  complain "$file:$line" "Asio and Beast belong in net/"
done < <(grep -rnE '#include <boost/(asio|beast)' --include='*.hpp' --include='*.cpp' core probes store rules state alerts actions daemon || true)
while IFS=: read -r file line text; do
  complain "$file:$line" "public headers of net/ carry only awaitable.hpp and any_io_executor.hpp"
done < <(grep -rnE '#include <boost/(asio|beast)' net/include | grep -vE 'asio/(awaitable|any_io_executor)\.hpp' || true)

# Time is an argument: only daemon/ and net/ (deadlines) read a clock.
while IFS=: read -r file line text; do
  complain "$file:$line" "reads a clock; time is an argument below daemon/"
done < <(grep -rnE '(system_clock|high_resolution_clock)::now\(|[^_]time\((NULL|nullptr|0)\)|gettimeofday\(|clock_gettime\(' \
         --include='*.hpp' --include='*.cpp' core probes store rules state alerts actions || true)

[ "$bad" = 0 ] && echo "every include follows the arrows"
exit "$bad"
