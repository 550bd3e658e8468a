[ -r "$VALUES" ] && [ "$(cat "$VALUES")" = "$CONTENT" ]
