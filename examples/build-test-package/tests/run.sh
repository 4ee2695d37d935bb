#!/bin/sh
# Test the program given.
set -eu
program=$1

check() {
  found=$("$program" "$2")
  if [ "$found" != "$3" ]; then
    echo "not ok: $1: $found instead of $3"
    exit 1
  fi
  echo "ok: $1"
}

check "water freezes" 32F 0C
check "water boils" 100C 212F
check "where the scales meet" -40C -40F
check "the version" --version "$VERSION"
