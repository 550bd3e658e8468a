[ -n "$(chart_file)" ] && [ "$(release_status)" = deployed ] || exit 1
if [ "$NAMED" = no ]; then ! newer "$(target_chart)" "$(good_chart)"
else [ "$(target_chart)" = "$(good_chart)" ] && [ -r "$RECORD" ] && [ "$(cat "$RECORD")" = "$(wanted_sum)" ]
fi
