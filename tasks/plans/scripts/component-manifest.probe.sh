[ -r "$RECORD" ] && [ "$(cat "$RECORD")" = "$(sum_of "$MANIFEST")" ] && present
