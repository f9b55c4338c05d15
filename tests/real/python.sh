#!/usr/bin/env bash
# Prints a Python that has the readers and validators by which exports are checked; makes it the first time.
set -euo pipefail
cd "$(dirname "$0")/../.."
wanted=tests/real/python.txt
home=target/real/python-$(sha256sum "$wanted" | cut -c1-12)
if [[ ! -e $home/whole ]]; then
  rm -rf "$home"
  mkdir -p target/real
  python3 -m venv "$home" >&2
  "$home/bin/python" -m pip install --quiet --disable-pip-version-check -r "$wanted" >&2
  touch "$home/whole"
fi
echo "$PWD/$home/bin/python"
