within "$WAIT" established || {
  kubectl get crd | grep ceph.rook.io || :
  fail "Rook's definitions ($CRDS) are not established after $WAIT seconds." "Look at the operator: kubectl logs -n rook-ceph deploy/rook-ceph-operator."
}
