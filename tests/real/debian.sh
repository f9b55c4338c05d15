#!/usr/bin/env bash
# Finds the programs that tests start and that Debian has packages of, or unpacks the packages under target/real, and
# prints the directory that they are in: `prometheus`, `nft` and `libfaketime.so.1`. Nothing is installed. Progress goes
# to standard error.
#
# PLANISPHERE_REAL_DIR: where they are unpacked (default: target/real).
set -euo pipefail

say() { echo "tests/real: $*" >&2; }

root=${PLANISPHERE_REAL_DIR:-$(dirname "${BASH_SOURCE[0]}")/../../target/real}
mkdir -p "$root"
root=$(cd "$root" && pwd)
out=$root/debian-$(sha256sum "${BASH_SOURCE[0]}" | cut -c1-12)
if [[ -d $out ]]; then
  echo "$out/bin"
  exit 0
fi

packages=()
prometheus=$(command -v prometheus || true)
nft=$(PATH=$PATH:/usr/sbin command -v nft || true)
faketime=$(compgen -G '/usr/lib*/faketime/libfaketime.so.1' || compgen -G '/usr/lib/*/faketime/libfaketime.so.1' || true)
[[ -n $prometheus ]] || packages+=(prometheus)
[[ -n $nft ]] || packages+=(nftables libnftables1 libnftnl11 libmnl0 libjansson4 libxtables12 libgmp10 libedit2 libbsd0 libmd0)
[[ -n $faketime ]] || packages+=(libfaketime)

fresh=$(mktemp -d "$out.XXXXXX")
trap 'rm -rf "$fresh"' EXIT
chmod 755 "$fresh"
mkdir "$fresh/bin"
cd "$fresh"
if ((${#packages[@]})); then
  if ! command -v apt-get >/dev/null || ! command -v dpkg-deb >/dev/null; then
    say "missing, and this is no Debian to take it from: ${packages[*]}. Install Prometheus (https://prometheus.io/download), nftables and libfaketime"
    exit 1
  fi
  # The lists of packages may be missing or old; to renew them takes root.
  if ! { apt-get download "${packages[@]}" || { apt-get update && apt-get download "${packages[@]}"; }; } >&2; then
    say "cannot fetch the Debian packages ${packages[*]}: install them, or run 'apt-get update' as root and try again"
    exit 1
  fi
  for package in *.deb; do dpkg-deb -x "$package" .; done
  rm ./*.deb
fi

[[ -n $prometheus ]] || prometheus=../usr/bin/prometheus
ln -s "$prometheus" bin/prometheus
[[ -n $faketime ]] || faketime=../$(compgen -G 'usr/lib/*/faketime/libfaketime.so.1')
ln -s "$faketime" bin/libfaketime.so.1
if [[ -n $nft ]]; then
  ln -s "$nft" bin/nft
else
  # Its libraries came with it.
  libraries=$(dirname "$(compgen -G 'usr/lib/*/libnftables.so.1')")
  cat >bin/nft <<EOF
#!/bin/sh
LD_LIBRARY_PATH='$out/$libraries' exec '$out/usr/sbin/nft' "\$@"
EOF
  chmod 755 bin/nft
fi
mv -T "$fresh" "$out"
trap - EXIT
echo "$out/bin"
