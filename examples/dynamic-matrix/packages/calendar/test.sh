#!/bin/sh
set -eu
for year in 1996 2000 2024; do
  ./leap.sh "$year" && echo "$year is a leap year"
done
for year in 1900 2023; do
  ! ./leap.sh "$year" && echo "$year is not"
done
