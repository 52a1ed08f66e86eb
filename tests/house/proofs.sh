#!/usr/bin/env bash
# Every test that docs/actions.md names as a proof must exist. Usage: proofs.sh SOURCE_DIR
set -euo pipefail
cd "$1"
bad=0
count=0
while read -r name; do
  count=$((count + 1))
  suite=${name%%.*}
  test=${name#*.}
  if ! grep -rqE "^TEST(_F|_P)?\($suite, $test\)" tests --include='*_test.cpp'; then
    echo "docs/actions.md names $name, and there is no such test"
    bad=1
  fi
done < <(grep -oE '\b[A-Z][A-Za-z]+(Test|Lints)\.[A-Za-z]+\b' docs/actions.md | sort -u)
rows=$(grep -cE '^\| [0-9]+ \|.*(Test|Lints)\.' docs/actions.md)
[ "$rows" = 27 ] || { echo "docs/actions.md has $rows properties with a proof, not 27"; bad=1; }
[ "$bad" = 0 ] && echo "all $count proofs are there"
exit "$bad"
