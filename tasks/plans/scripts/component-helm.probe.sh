[ -r "$RECORD" ] && [ "$(cat "$RECORD")" = "$(wanted_sum)" ] && [ "$(release_status)" = deployed ]
