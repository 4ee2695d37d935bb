#!/bin/sh
# Does the site at a folder look alive?
set -eu
grep -q '<title>' "$1/index.html"
echo "the front page is there"
if ! grep -q '^database=.' "$1/settings.conf"; then
  echo "::error file=app/settings.conf,line=1::no database is set"
  exit 1
fi
