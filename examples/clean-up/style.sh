#!/bin/sh
# Complain of tabs in the files of a folder.
set -eu
if grep -rn "$(printf '\t')" "$1" >/dev/null; then
  echo "::warning file=$1/index.html,line=3::tabs here; use spaces"
  exit 1
fi
