# The StorageClass goes with the release. What lies in Ceph is not touched.
! release || helm uninstall "$NAME" -n "$SPACE" --wait --timeout "${WAIT}s"
kubectl delete namespace "$SPACE" --ignore-not-found --wait=false
within "$WAIT" gone || {
  kubectl get namespace "$SPACE" -o 'jsonpath={range .status.conditions[*]}{.type}: {.message}{"\n"}{end}' 2>/dev/null || :
  fail "The namespace $SPACE is not gone after $WAIT seconds." "Read above what holds it; take that away, then retry."
}
rm -rf "${VALUES%/*}" "$STATE/components/$NAME"
