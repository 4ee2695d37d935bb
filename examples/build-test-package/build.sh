#!/bin/sh
# Put the parts of src/ together as dist/units, of the version given.
set -eu
mkdir -p dist
{
  echo '#!/bin/sh'
  echo "VERSION=$1"
  cat src/convert.sh src/main.sh
} >dist/units
chmod +x dist/units
echo "built dist/units $1"
