[ -r "$MARKER" ] && [ -z "$(layout "$ARTIFACT")" ] || exit 1
[ -z "$SHA256" ] || { [ "$(marked_sum)" = "$SHA256" ]; exit; }
[ ! -f "$ARCHIVE" ] || [ "$(cut -d ' ' -f 2- "$MARKER")" = "$(stat -c '%s %Y' "$ARCHIVE")" ]
