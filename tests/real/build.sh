#!/usr/bin/env bash
# Builds the real components for tests and prints the directory they are in as
# the last line of standard output. What was built once from the same sources
# is not built again. Progress goes to standard error.
#
# PLANISPHERE_REAL_DIR: where the built directories go (default: target/real).
set -euo pipefail

say() { echo "tests/real: $*" >&2; }

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=${PLANISPHERE_REAL_DIR:-$here/../../target/real}

if ! command -v go >/dev/null; then
  say "'go' is missing. Install Go 1.26 or newer: https://go.dev/doc/install"
  exit 1
fi
version=$(cd / && go env GOVERSION) # go1.26.8
if [[ ! $version =~ ^go([0-9]+)\.([0-9]+) ]] || ((BASH_REMATCH[1] * 1000 + BASH_REMATCH[2] < 1026)); then
  say "'go' is too old ($version). Install Go 1.26 or newer: https://go.dev/doc/install"
  exit 1
fi

hash=$(cd "$here" && find build.sh controlplane -type f \( -name '*.go' -o -name 'go.*' -o -name build.sh \) -print0 |
  LC_ALL=C sort -z | xargs -0 sha256sum | sha256sum | cut -c1-12)
mkdir -p "$root"
root=$(cd "$root" && pwd)
out=$root/controlplane-$hash

# One builder at a time: the second one finds the work done.
exec 9>"$root/.lock"
flock 9

if [[ ! -d $out ]]; then
  say "building into $out (cold: 4 to 5 minutes on two cores)"
  fresh=$(mktemp -d "$root/.building.XXXXXX")
  trap 'rm -rf "$fresh"' EXIT
  start=$SECONDS
  (
    cd "$here/controlplane"
    x=k8s.io/component-base/version
    CGO_ENABLED=0 go build -v -p 2 -trimpath -buildvcs=false \
      -ldflags "-s -w -X $x.gitVersion=v1.36.3 -X $x.gitMajor=1 -X $x.gitMinor=36" \
      -o "$fresh/" . ./clientgo-bench sigs.k8s.io/kwok/cmd/kwok
  ) 2>&1 | awk '
    /^go: downloading / { if (++downloads % 50 == 0) print "tests/real: " downloads " modules downloaded"; next }
    /^[A-Za-z0-9._~\/-]+$/ { if (++packages % 200 == 0) print "tests/real: " packages " packages built"; next }
    { print }' >&2
  chmod 755 "$fresh"
  mv "$fresh" "$out"
  trap - EXIT
  say "built in $((SECONDS - start)) s"
fi
echo "$out"
