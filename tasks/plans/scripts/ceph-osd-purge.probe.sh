for osd in $OSDS; do
  if deployed "$osd" || exists "$osd"; then exit 1; fi
done
