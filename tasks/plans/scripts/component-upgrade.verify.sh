[ "$(release_status)" = deployed ] && [ "$(good_chart)" = "$(target_chart)" ] || {
  helm history "$NAME" -n "$NAMESPACE" || :
  fail "The release $NAME is $(release_status) with chart $(good_chart), not deployed with $(target_chart)." "Read the table above, then retry."
}
