[ -r "$RECORD" ] || exit 1
now=$(target) && [ "$(cat "$RECORD")" = "$now" ]
