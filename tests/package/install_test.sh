#!/usr/bin/env bash
#   install_test.sh BUILD-FOLDER
# What `cmake --install` puts where, and that it is good: run into a temporary folder, as a package's build does.
set -euo pipefail
build=$1
folder=$(mktemp -d -t tocsin-install.XXXXXX)
trap 'rm -rf "$folder"' EXIT
failures=0
bad() { echo "FAILED: $*"; failures=$((failures + 1)); }

DESTDIR=$folder cmake --install "$build" --prefix /usr --strip >"$folder/log" 2>&1 || { cat "$folder/log"; bad "cmake --install"; exit 1; }

# mode and path of what must be there
while read -r mode path; do
  if [ ! -f "$folder/$path" ]; then
    bad "/$path is not there"
  elif [ "$(stat -c %a "$folder/$path")" != "$mode" ]; then
    bad "/$path has the mode $(stat -c %a "$folder/$path"), not $mode"
  elif [ ! -s "$folder/$path" ]; then
    bad "/$path is empty"
  fi
done <<'END'
755 usr/bin/tocsin
644 usr/lib/systemd/system/tocsin.service
644 usr/lib/sysusers.d/tocsin.conf
644 usr/lib/tmpfiles.d/tocsin.conf
644 etc/tocsin/tocsin.yml
644 usr/share/tocsin/tocsin.schema.json
644 usr/share/tocsin/packs/tocsin.yml
644 usr/share/tocsin/packs/redis.yml
644 usr/share/tocsin/prometheus/meta.yml
644 usr/share/tocsin/prometheus/scrape.yml
644 usr/share/tocsin/systemd/commands.conf
644 usr/share/tocsin/dashboards/overview.json
644 usr/share/man/man1/tocsin.1.gz
644 usr/share/man/man5/tocsin.yml.5.gz
644 usr/share/bash-completion/completions/tocsin
644 usr/share/zsh/vendor-completions/_tocsin
644 usr/share/fish/vendor_completions.d/tocsin.fish
644 usr/share/doc/tocsin/copyright
644 usr/share/doc/tocsin/changelog.gz
644 usr/share/doc/tocsin/CHANGELOG.md
644 usr/share/doc/tocsin/docs/configuration.md
644 usr/share/doc/tocsin/docs/installing.md
755 usr/share/doc/tocsin/examples/quickstart/demo.sh
END
stray=$(find "$folder" -type f ! -path "$folder/usr/*" ! -path "$folder/etc/tocsin/*" ! -path "$folder/log")
[ -z "$stray" ] || bad "installed elsewhere: $stray"
[ ! -e "$folder/usr/share/tocsin/packs/meta.yml" ] || bad "the rules for Prometheus are no pack"

tocsin=$folder/usr/bin/tocsin
said=$("$tocsin" check --lint-fatal "$folder/etc/tocsin/tocsin.yml" 2>&1) || bad "the default configuration: $said"
case $said in *": good, 1 targets"*) ;; *) bad "the default configuration watches something else than itself: $said" ;; esac
# Each example in it is good when the mark of a comment is taken away.
sed -e 's/^  # \(- \|  \|external_labels\)/  \1/; s/^# \([a-z_]*:\)/\1/' "$folder/etc/tocsin/tocsin.yml" >"$folder/all.yml"
said=$("$tocsin" check "$folder/all.yml" 2>&1) || bad "the examples in the default configuration: $said"
case $said in *": good, 5 targets"*"1 Alertmanagers"*) ;; *) bad "the examples in the default configuration: $said" ;; esac

grep -qx 'ExecStart=/usr/bin/tocsin run --config=/etc/tocsin/tocsin.yml' "$folder/usr/lib/systemd/system/tocsin.service" || bad "the unit runs something else"
DESTDIR=$folder/local cmake --install "$build" --prefix /usr/local >/dev/null
grep -q '^ExecStart=/usr/local/bin/tocsin ' "$folder/local/usr/local/lib/systemd/system/tocsin.service" || bad "with another prefix the unit runs something else"

if command -v groff >/dev/null; then
  for page in man1/tocsin.1 man5/tocsin.yml.5; do
    said=$(gzip -dc "$folder/usr/share/man/$page.gz" | groff -man -ww -z -K utf8 -T utf8 2>&1) || bad "$page"
    [ -z "$said" ] || bad "$page: $(head -n 5 <<<"$said")"
  done
  gzip -dc "$folder/usr/share/man/man1/tocsin.1.gz" | groff -man -K utf8 -T ascii -P -c -P -b -P -u | grep -q 'tocsin completion \[OPTIONS\] SHELL' || bad "tocsin(1) does not tell of the commands"
fi

# Completion, in a shell of its own: what is offered are the commands that there are.
offered=$(bash -uc 'source "$1"; COMP_WORDS=(tocsin ""); COMP_CWORD=1; _tocsin; printf "%s\n" "${COMPREPLY[@]}"' - "$folder/usr/share/bash-completion/completions/tocsin" 2>&1)
for command in run check reload probe query schema completion; do
  grep -qx "$command" <<<"$offered" || bad "bash does not offer $command: $offered"
done
! command -v zsh >/dev/null || zsh -f -n "$folder/usr/share/zsh/vendor-completions/_tocsin" || bad "zsh cannot read its completion"
! command -v fish >/dev/null || fish -n "$folder/usr/share/fish/vendor_completions.d/tocsin.fish" || bad "fish cannot read its completion"

for script in postinst prerm postrm; do sh -n "$(dirname "$0")/../../packaging/debian/$script" || bad "$script"; done
if command -v systemd-analyze >/dev/null; then
  # Against the files of this machine's systemd, and the binary's place: --root would look for all of both there.
  sed "s:/usr/bin/tocsin:$tocsin:" "$folder/usr/lib/systemd/system/tocsin.service" >"$folder/tocsin.service"
  said=$(systemd-analyze verify --man=no "$folder/tocsin.service" 2>&1 | grep -F tocsin || true)
  [ -z "$said" ] || bad "systemd-analyze verify: $said"
fi

[ $failures = 0 ] && echo "installed as it should be"
exit $((failures > 0))
