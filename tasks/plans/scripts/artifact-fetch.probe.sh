[ -n "$SHA256" ] || exit 1
[ "$(marked_sum)" = "$SHA256" ] && exit 0
[ -f "$ARCHIVE" ] && [ "$(sum_of "$ARCHIVE")" = "$SHA256" ]
