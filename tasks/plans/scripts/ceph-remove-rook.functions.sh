definitions() { kubectl get crd -o name 2>/dev/null | grep -E '\.(ceph\.rook\.io|objectbucket\.io)$' || :; }
releases() { for release in rook-ceph-cluster rook-ceph; do ! helm status "$release" -n "$SPACE" >/dev/null 2>&1 || echo "$release"; done; }
rook_gone() { [ -z "$(definitions)" ] && ! kubectl get namespace "$SPACE" >/dev/null 2>&1; }
