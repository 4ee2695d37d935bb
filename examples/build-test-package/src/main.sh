case "${1-}" in
--version) echo "$VERSION" ;;
*C) echo "$(to_fahrenheit "${1%C}")F" ;;
*F) echo "$(to_celsius "${1%F}")C" ;;
*)
  echo "usage: units NUMBER{C|F}" >&2
  exit 2
  ;;
esac
