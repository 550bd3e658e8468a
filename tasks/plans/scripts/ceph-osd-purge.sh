purged() { tools osd purge "$1" --yes-i-really-mean-it; }
for osd in $OSDS; do
  # Ceph itself has the last word before the daemon is stopped.
  ! exists "$osd" || tools osd safe-to-destroy "$osd" ||
    fail "Ceph says that osd.$osd cannot go yet." "Wait until its data has moved, then retry."
  ! deployed "$osd" || kubectl scale deployment "rook-ceph-osd-$osd" -n "$SPACE" --replicas=0
  ! exists "$osd" || within "$WAIT" purged "$osd" || fail "osd.$osd was not purged." "Read Ceph's answer above."
  kubectl delete deployment "rook-ceph-osd-$osd" -n "$SPACE" --ignore-not-found
done
