for osd in $OSDS; do
  if deployed "$osd" || exists "$osd"; then fail "osd.$osd is still there." "Look at the operator's log: it may have made it anew."; fi
done
