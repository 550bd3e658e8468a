kubectl exec -n "$SPACE" deploy/rook-ceph-tools -- ceph osd out $OSDS
