#!/bin/sh
# Stands in for a download from a mirror that is busy the first time.
set -eu
if [ ! -e .asked ]; then
  touch .asked
  echo "mirror: 503 busy, try again" >&2
  exit 75
fi
cp changes.log "$1"
echo "mirror: 200 OK"
