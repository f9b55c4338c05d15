#!/usr/bin/env bash
# Names each tool that the tests need and that is missing or too old, with how to get it.
set -uo pipefail

faults=0
need() { # name, found version, wanted version, how to get it
  local name=$1 found=$2 wanted=$3 how=$4
  if [[ -z $found ]]; then
    echo "missing: $name $wanted or newer. $how" >&2
    faults=1
  elif [[ $(printf '%s\n%s\n' "$wanted" "$found" | sort -V | head -n 1) != "$wanted" ]]; then
    echo "too old: $name $found, wanted $wanted or newer. $how" >&2
    faults=1
  fi
}

version() { "$@" 2>&1 | grep -oE '[0-9]+(\.[0-9]+)+' | head -n 1; }

need openssl "$(version openssl version)" 1.1.1 "Install the Debian package openssl"
need python3 "$(version python3 --version)" 3.11 "Install Python with venv, for example the Debian packages python3 and python3-venv"
need strace "$(version strace --version)" 5.0 "Install the Debian package strace"
need unshare "$(version unshare --version)" 2.30 "Install the Debian package util-linux"
need ip "$(version ip -V)" 4.9 "Install the Debian package iproute2"
need cargo "$(version cargo --version)" 1.95 "Install Rust by https://rustup.rs"
need go "$(cd / && version go version)" 1.26 "See https://go.dev/doc/install"
need java "$(version java -version)" 17 "Install a JDK, for example the Debian package openjdk-17-jdk"
need mvn "$(version mvn --version)" 3.6 "Install Maven, for example the Debian package maven"
exit $faults
