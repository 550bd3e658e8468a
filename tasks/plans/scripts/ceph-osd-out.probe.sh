# Asked anew in a retry: an operator may have taken an OSD back in meanwhile.
dump=$(kubectl exec -n "$SPACE" deploy/rook-ceph-tools -- ceph osd dump -f json) || exit 1
inside=$(printf %s "$dump" | tr -d ' \n' | tr '{' '\n' | sed -n 's/^"osd":\([0-9]*\),.*"in":1,.*/\1/p')
for osd in $OSDS; do
  ! printf '%s\n' "$inside" | grep -q -x "$osd" || exit 1
done
