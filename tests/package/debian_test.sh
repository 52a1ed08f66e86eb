#!/usr/bin/env bash
#   debian_test.sh PACKAGE.deb [--no-demo]
# The package on a bare Debian 12 with nothing but itself and what it depends on: installed, checked, run, upgraded, removed, purged; and
# the demo by the installed program. Needs root. systemd is there and checks the unit, but does not run: what only a booted machine shows
# (the sandbox at work, the watchdog, `systemctl reload`) is not seen here. A stand-in writes down what the package asks of it.
set -euo pipefail
[ "$(id -u)" = 0 ] || exec sudo --preserve-env=XDG_CACHE_HOME,HOME "$0" "$@"
# Mounts and processes of this script are its own, and end with it.
[ -n "${TOCSIN_OWN_MOUNTS:-}" ] || TOCSIN_OWN_MOUNTS=1 exec unshare --mount --propagation private --pid --fork --kill-child -- "$0" "$@"
package=$(readlink -f "$1") with_demo=${2:-}
cache=${XDG_CACHE_HOME:-${HOME:?}/.cache}/tocsin/debian-12
work=$(mktemp -d -t tocsin-package.XXXXXX)
root=$work/root
network=${work##*/}
say() { printf '== %s\n' "$*"; }
fail() { printf 'FAILED: %s\n' "$*"; exit 1; }
finish() {
  ip netns del "$network" 2>/dev/null || true
  for folder in var/cache/apt/archives proc dev/pts dev; do umount "$root/$folder" 2>/dev/null || true; done
  rm -rf --one-file-system "$work"
}
trap finish EXIT

inside() { chroot "$root" env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 DEBIAN_FRONTEND=noninteractive "$@" </dev/null; }
apt() { inside apt-get -q -y --no-install-recommends -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold "$@" >>"$work/apt.log" 2>&1 || { tail -n 40 "$work/apt.log"; fail "apt-get $*"; }; }
# A network of its own, with nothing but loopback: ports are free there.
alone() { ip netns exec "$network" "$@"; }
ask() { alone curl -sf --max-time 5 "http://127.0.0.1:9477$1"; }
until_true() {
  local limit=$((SECONDS + $1)) what=$2
  shift 2
  until "$@" >/dev/null 2>&1; do
    [ $SECONDS -lt $limit ] || { tail -n 20 "$work"/tocsin.log 2>/dev/null; fail "$what"; }
    sleep 0.1
  done
}
# in_chroot PATH: what a file there is: "mode user:group"
owned() { inside stat -c '%a %U:%G' "$1" 2>/dev/null || echo none; }
expect() { [ "$2" = "$3" ] || fail "$1: '$2', not '$3'"; }

# --- a bare Debian, made once; one try at a time ---
mkdir -p "${cache%/*}"
exec 9>"$cache.lock"
flock 9
if [ ! -f "$cache/made" ]; then
  say "making a bare Debian 12 in $cache"
  rm -rf "$cache"
  mkdir -p "$cache/archives"
  debootstrap --variant=minbase bookworm "$cache/base" >"$work/debootstrap.log" 2>&1 || { tail -n 20 "$work/debootstrap.log"; fail "debootstrap"; }
  touch "$cache/made"
fi
cp -a --reflink=auto "$cache/base" "$root"
mkdir -p "$root/var/cache/apt/archives" "$root/dev/pts"
mount --bind "$cache/archives" "$root/var/cache/apt/archives"
mount -t proc proc "$root/proc"
mount --bind /dev "$root/dev"
cp /etc/resolv.conf "$root/etc/resolv.conf"
printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d" # services of other packages stay off
chmod +x "$root/usr/sbin/policy-rc.d"
ip netns add "$network"
alone ip link set lo up

# --- installing ---
apt update
cp "$package" "$root/tocsin.deb"
apt install ./tocsin.deb
say "installed, with $(inside dpkg-query -f '.\n' -W | wc -l) packages in all ($(wc -l < <(chroot "$cache/base" dpkg-query -f '.\n' -W)) before)"
for tool in gcc g++ cmake make python3; do ! inside sh -c "command -v $tool" >/dev/null || fail "$tool came along"; done
expect "tocsin version" "$(inside tocsin version)" "tocsin $(dpkg-deb -f "$package" Version)"
expect "the state's folder" "$(owned /var/lib/tocsin)" "700 tocsin:tocsin"
expect "the folder of passwords" "$(owned /etc/tocsin/secrets)" "750 root:tocsin"
expect "the configuration" "$(owned /etc/tocsin/tocsin.yml)" "644 root:root"
inside tocsin check --as-service --lint-fatal /etc/tocsin/tocsin.yml || fail "the default configuration"
[ -L "$root/etc/systemd/system/multi-user.target.wants/tocsin.service" ] || fail "the service is not enabled"

say "systemd-analyze verify"
said=$(inside systemd-analyze verify --man=no tocsin.service 2>&1) || fail "systemd-analyze verify: $said"
[ -z "$said" ] || fail "systemd-analyze verify: $said"
exposure() { inside systemd-analyze security --offline=true --no-pager --threshold="$1" tocsin.service 2>&1 | sed -n 's/.*exposure level for tocsin.service: \([0-9.]*\).*/\1/p'; }
within() { inside systemd-analyze security --offline=true --no-pager --threshold="$1" tocsin.service >/dev/null 2>&1; }
within 13 || fail "exposure $(exposure 100): at most 1.3"
observing=$(exposure 100)
inside install -D -m 644 /usr/share/tocsin/systemd/commands.conf /etc/systemd/system/tocsin.service.d/commands.conf
said=$(inside systemd-analyze verify --man=no tocsin.service 2>&1) && [ -z "$said" ] || fail "systemd-analyze verify with commands.conf: $said"
within 16 || fail "exposure $(exposure 100) with commands.conf: at most 1.6"
say "exposure $observing observing, $(exposure 100) with the drop-in that runs commands"
rm -r "$root/etc/systemd/system/tocsin.service.d"

# --- running, as the unit's user, and upgrading ---
start() {
  ip netns exec "$network" chroot "$root" setpriv --reuid=tocsin --regid=tocsin --clear-groups --no-new-privs env -i PATH=/usr/bin:/bin \
    STATE_DIRECTORY=/var/lib/tocsin RUNTIME_DIRECTORY=/run/tocsin /usr/bin/tocsin run --config=/etc/tocsin/tocsin.yml </dev/null >>"$work/tocsin.log" 2>&1 &
  daemon=$!
  until_true 20 "tocsin is not ready" ask /-/ready
}
stop() {
  kill "$daemon"
  wait "$daemon" || fail "tocsin did not stop in order"
}
pending_since() { ask /api/v1/alerts | grep -o '"activeAt":"[^"]*"[^{]*{[^}]*"alertname":"Slow"\|"alertname":"Slow"[^]]*"activeAt":"[^"]*"' | grep -o '"activeAt":"[^"]*"'; }
install -d -m 755 "$root/run/tocsin"
inside chown tocsin: /run/tocsin
start
ask /metrics | grep -q '^tocsin_targets 1$' || fail "the default configuration has other targets than tocsin itself"
until_true 20 "tocsin does not see itself" sh -c "ip netns exec $network curl -sf http://127.0.0.1:9477/api/v1/targets | grep -q '\"health\":\"up\"'"
inside tocsin reload --wait >/dev/null || fail "root does not reach the daemon by its socket"
! inside tocsin reload --url http://127.0.0.1:1 >/dev/null 2>&1 || fail "--url does not count where there is a socket"
! inside setpriv --reuid=nobody --clear-groups tocsin reload --wait --socket /run/tocsin/tocsin.sock >/dev/null 2>&1 || fail "everybody may reload it"
stop
[ -n "$(ls -A "$root/var/lib/tocsin")" ] || fail "nothing was written down in /var/lib/tocsin"
say "runs on the default configuration as the user tocsin"

# An alert that waits for an hour must not begin to wait anew.
printf 'groups: [{name: g, rules: [{alert: Slow, expr: vector(1), for: 1h}]}]\n' >"$root/etc/tocsin/slow.yml"
echo 'rule_files: [slow.yml]' >>"$root/etc/tocsin/tocsin.yml"
start
until_true 40 "the alert is not pending" pending_since
since=$(pending_since)
database() { inside stat -c %i /var/lib/tocsin/tocsin.db; }
before=$(database)

repack() {  # VERSION: the same package with a higher version and another default configuration
  dpkg-deb -R "$package" "$work/next"
  sed -i "s/^Version: .*/Version: $1/" "$work/next/DEBIAN/control"
  echo "# new in $1" >>"$work/next/etc/tocsin/tocsin.yml"
  dpkg-deb --root-owner-group -Zgzip -z1 -b "$work/next" "$root/next.deb" >/dev/null
  rm -r "$work/next"
}
version=$(dpkg-deb -f "$package" Version)
repack "$version+1"
apt install ./next.deb
expect "the upgrade's version" "$(inside dpkg-query -f '${Version}' -W tocsin)" "$version+1"
kill -0 "$daemon" 2>/dev/null || fail "the upgrade killed a daemon that it does not own"
grep -q '^rule_files: \[slow.yml\]$' "$root/etc/tocsin/tocsin.yml" || fail "the upgrade wrote over the configuration"
stop
start
expect "the database after the upgrade" "$(database)" "$before"
until_true 40 "the alert is gone after the upgrade" pending_since
expect "since when the alert is pending" "$(pending_since)" "$since"
stop
say "upgraded: the configuration and the state are kept, a timer goes on"

# --- what the package asks of systemd ---
mkdir -p "$root/run/systemd/system"
for program in systemctl deb-systemd-invoke; do
  mv "$root/usr/bin/$program" "$work/"
  printf '#!/bin/sh\n[ "$*" = "show -p MainPID --value tocsin.service" ] || echo "%s $*" >>/asked\n' $program >"$root/usr/bin/$program"
  chmod +x "$root/usr/bin/$program"
done
requests() { grep -v daemon-reload "$root/asked" 2>/dev/null | tr '\n' ';'; rm -f "$root/asked"; }
repack "$version+2"
apt install ./next.deb
expect "on an upgrade" "$(requests)" "deb-systemd-invoke restart tocsin.service;"
echo 'nonsense: 1' >>"$root/etc/tocsin/tocsin.yml"
repack "$version+3"
apt install ./next.deb
expect "on an upgrade that does not take the configuration" "$(requests)" ""
grep -q 'The daemon of before goes on' "$work/apt.log" || fail "the upgrade does not say that the daemon of before goes on"
sed -i '/^nonsense/d' "$root/etc/tocsin/tocsin.yml"
rm "$root/etc/systemd/system/multi-user.target.wants/tocsin.service" # as `systemctl disable` does
repack "$version+4"
apt install ./next.deb
[ ! -e "$root/etc/systemd/system/multi-user.target.wants/tocsin.service" ] || fail "an upgrade enables what was disabled"
requests >/dev/null
apt remove tocsin
expect "on removing" "$(requests)" "deb-systemd-invoke stop tocsin.service;"
expect "the state after removing" "$(owned /var/lib/tocsin)" "700 tocsin:tocsin"
[ -f "$root/etc/tocsin/tocsin.yml" ] || fail "removing took the configuration away"
apt install ./tocsin.deb
expect "on installing again" "$(requests)" "deb-systemd-invoke restart tocsin.service;"
rm -f "$root/etc/tocsin/slow.yml" # what somebody put there would stay
apt purge tocsin
for left in /var/lib/tocsin /etc/tocsin /usr/share/tocsin /usr/share/doc/tocsin; do expect "$left after purging" "$(owned $left)" none; done
[ -z "$(find "$root/etc/systemd" -name 'tocsin*')" ] || fail "purging left the service enabled or masked"
rm -r "$root/run/systemd/system"
mv "$work"/{systemctl,deb-systemd-invoke} "$root/usr/bin/"
say "removing keeps the state, purging leaves nothing"

# --- the demo, without a toolchain ---
if [ "$with_demo" != --no-demo ]; then
  apt install ./tocsin.deb redis-server nginx-light postgresql prometheus-alertmanager curl jq python3-minimal procps
  alone chroot "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 TMPDIR=/tmp \
    /usr/share/doc/tocsin/examples/quickstart/demo.sh --once </dev/null || fail "the demo by the installed program"
fi
say "all is as it should be"
