#!/usr/bin/env bash
# Finds a real Prometheus for tests, or unpacks the Debian package under target/real, and prints the directory that its
# program is in. Nothing is installed. Progress goes to standard error.
#
# PLANISPHERE_REAL_DIR: where it is unpacked (default: target/real).
set -euo pipefail

say() { echo "tests/real: $*" >&2; }

if found=$(command -v prometheus); then
  dirname "$found"
  exit 0
fi
root=${PLANISPHERE_REAL_DIR:-$(dirname "${BASH_SOURCE[0]}")/../../target/real}
mkdir -p "$root"
out=$(cd "$root" && pwd)/prometheus
if [[ ! -x $out/usr/bin/prometheus ]]; then
  if ! command -v apt-get >/dev/null || ! command -v dpkg-deb >/dev/null; then
    say "'prometheus' is missing, and this is no Debian to take it from. Put it on the PATH: https://prometheus.io/download"
    exit 1
  fi
  fresh=$(mktemp -d "$out.XXXXXX")
  trap 'rm -rf "$fresh"' EXIT
  chmod 755 "$fresh"
  cd "$fresh"
  # The lists of packages may be missing or old; to renew them takes root.
  if ! { apt-get download prometheus || { apt-get update && apt-get download prometheus; }; } >&2; then
    say "cannot fetch the Debian package 'prometheus': install it, or run 'apt-get update' as root and try again"
    exit 1
  fi
  dpkg-deb -x prometheus_*.deb . && rm prometheus_*.deb
  rm -rf "$out" && mv "$fresh" "$out"
  trap - EXIT
fi
echo "$out/usr/bin"
