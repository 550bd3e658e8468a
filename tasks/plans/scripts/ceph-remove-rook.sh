for release in $(releases); do helm uninstall "$release" -n "$SPACE" --wait --timeout "${WAIT}s"; done
# Rook guards these against being deleted while there is a cluster; there is none any more.
for one in configmap/rook-ceph-mon-endpoints secret/rook-ceph-mon; do
  ! kubectl get "$one" -n "$SPACE" >/dev/null 2>&1 || kubectl patch "$one" -n "$SPACE" --type merge -p '{"metadata":{"finalizers":null}}'
done
definitions | while IFS= read -r one; do kubectl delete "$one" --wait=false; done
kubectl delete namespace "$SPACE" --ignore-not-found --wait=false
within "$WAIT" rook_gone || {
  definitions
  kubectl get namespace "$SPACE" -o 'jsonpath={range .status.conditions[*]}{.type}: {.message}{"\n"}{end}' 2>/dev/null || :
  fail "Rook is not gone after $WAIT seconds." "Read above what is left and which finalizers hold it; take them away, then retry."
}
for node in $(kubectl get nodes -l role=ceph -o 'jsonpath={.items[*].metadata.name}'); do kubectl label node "$node" role-; done
rm -rf "$STATE/components/rook-ceph" "$STATE/components/rook-ceph-cluster"
