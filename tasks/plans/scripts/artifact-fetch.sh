command -v curl >/dev/null || fail "curl is missing on $SANQIAN_HOST." "Install curl there, or upload the artifact from the service."
mkdir -p "${ARCHIVE%/*}"
# The name carries the address, so that a part of one file is never continued with another.
part=$ARCHIVE.$(printf %s "$URL" | sha256sum | cut -c 1-12).part
quoted=$(printf %s "$URL" | sed 's/[\\"]/\\&/g')
total=$(printf 'url = "%s"\n' "$quoted" | curl -fsSLI -K - --max-time 30 2>/dev/null | tr -d '\r' |
  sed -n 's/^[Cc]ontent-[Ll]ength: *//p' | tail -n 1) || total=
(
  while sleep 5 >/dev/null 2>&1; do
    have=$(stat -c %s "$part" 2>/dev/null || echo 0)
    case $total in '' | 0 | *[!0-9]*) progress 0 "$((have >> 20)) MiB" ;;
      *) progress $((have * 95 / total)) "$((have >> 20)) of $((total >> 20)) MiB" ;;
    esac
  done
) &
watch=$!
trap 'kill $watch 2>/dev/null || :' EXIT
if [ ! -f "$part" ] || [ -z "$total" ] || [ "$(stat -c %s "$part")" != "$total" ]; then
  code=0
  printf 'url = "%s"\n' "$quoted" |
    curl -fL -K - -sS --connect-timeout 20 --speed-limit 1024 --speed-time 120 --retry 5 --retry-delay 5 -C - -o "$part" || code=$?
  case $code in
    0) ;;
    33 | 36) rm -f "$part"; fail "The server cannot continue a broken download (curl exit code $code)." "Retry: it begins anew." ;;
    *) fail "Downloading the artifact ended with curl's exit code $code." "Check the address and that $SANQIAN_HOST reaches it; a retry goes on where it stopped." ;;
  esac
fi
if [ -n "$SHA256" ]; then
  progress 96 "checking SHA-256"
  found=$(sum_of "$part")
  if [ "$found" != "$SHA256" ]; then
    rm -f "$part"
    fail "The downloaded artifact has SHA-256 $found, expected $SHA256." "Correct the checksum or the address."
  fi
fi
mv "$part" "$ARCHIVE"
