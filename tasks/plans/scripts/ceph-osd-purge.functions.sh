tools() { kubectl exec -n "$SPACE" deploy/rook-ceph-tools -- ceph "$@"; }
exists() { tools osd ls -f json | tr -d ' []\n' | tr ',' '\n' | grep -q -x "$1"; }
deployed() { kubectl get deployment "rook-ceph-osd-$1" -n "$SPACE" >/dev/null 2>&1; }
