#!/usr/bin/env bash
# The rules for the Prometheus that watches tocsin: it reads them, they fire when they must, and ask for names that tocsin gives.
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")
rules=$here/../../rules/packs/meta.yml
command -v promtool >/dev/null || { echo "promtool is not installed"; exit 77; }

promtool check rules "$rules"
promtool test rules "$here/meta_test.yml"

# Each alert has a test, an explanation and a severity.
for alert in $(sed -n 's/^ *- alert: //p' "$rules"); do
  grep -q "alertname: $alert$" "$here/meta_test.yml" || { echo "FAILED: $alert has no test"; exit 1; }
done
[ "$(grep -c '^ *- alert:' "$rules")" = "$(grep -c '^ *description:' "$rules")" ] || { echo "FAILED: an alert says not what to do"; exit 1; }

# A metric that is renamed in the daemon and not here would silence an alert for good.
missing=0
for name in $(grep -o 'tocsin_[a-z_]*' "$rules" | sort -u); do
  grep -rqF "\"$name\"" "$here/../../daemon/src" || { echo "FAILED: the daemon has no metric $name"; missing=1; }
done
exit $missing
