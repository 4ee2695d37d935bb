# Is the argument the name of an archive? `[[` is bash's own: the bug that the matrix finds.
if [[ $1 == *.tar.gz ]]; then
  echo "$1 is an archive"
else
  echo "$1 is no archive"
  exit 1
fi
