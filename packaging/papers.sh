#!/bin/sh
#   papers.sh TOCSIN FOLDER VERSION
# What is installed beside the binary and made of it: manual pages, completions, the configuration's schema; and Debian's changelog.
set -eu
tocsin=$1 folder=$2 version=$3
here=$(dirname "$(readlink -f "$0")")
mkdir -p "$folder"

"$tocsin" docs --man tocsin | gzip -9n >"$folder/tocsin.1.gz"
"$tocsin" docs --man tocsin.yml | gzip -9n >"$folder/tocsin.yml.5.gz"
for shell in bash zsh fish; do "$tocsin" completion $shell >"$folder/tocsin.$shell"; done
"$tocsin" schema >"$folder/tocsin.schema.json"

# The date of the release in CHANGELOG.md; what is not released has the day on which it is built.
day=$(sed -n "s/^## $version (\([0-9-]*\)).*/\1/p" "$here/../CHANGELOG.md")
{
  printf 'tocsin (%s) bookworm; urgency=medium\n\n  * See CHANGELOG.md beside this file.\n\n' "$version"
  printf ' -- The tocsin authors <tocsin@tocsin.invalid>  %s\n' "$(LC_ALL=C date -u -R -d "${day:-@${SOURCE_DATE_EPOCH:-$(date +%s)}}")"
} | gzip -9n >"$folder/changelog.gz"
