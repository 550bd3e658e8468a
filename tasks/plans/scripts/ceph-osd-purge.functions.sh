tools() { kubectl exec -n "$SPACE" deploy/rook-ceph-tools -- ceph "$@"; }
# exists OSD: by Ceph's own word. Where it does not answer nothing is known, and the script ends.
exists() {
  known=$(tools osd ls -f json) ||
    fail "Ceph does not answer in the toolbox." "Look at the pods of the namespace $SPACE, then retry."
  printf '%s\n' "$known" | tr -d ' []\n' | tr ',' '\n' | grep -q -x "$1"
}
deployed() { kubectl get deployment "rook-ceph-osd-$1" -n "$SPACE" >/dev/null 2>&1; }
