#!/bin/sh
set -eu
for pair in 4:IV 1990:MCMXC 2024:MMXXIV; do
  found=$(./roman.sh "${pair%:*}")
  [ "$found" = "${pair#*:}" ]
  echo "${pair%:*} is $found"
done
