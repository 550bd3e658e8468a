# Forced: what still claims Ceph's storage is deleted. A pod that uses a claim keeps it; then that is said.
served_here=$(classes)
gone_claims() { [ -z "$(claims_left)" ]; }
claims_left() {
  for class in $served_here; do
    kubectl get pvc -A -o 'jsonpath={range .items[*]}{.spec.storageClassName}|pvc|{.metadata.namespace}|{.metadata.name}{"\n"}{end}' | sed -n "s/^$class|//p"
    kubectl get obc -A -o 'jsonpath={range .items[*]}{.spec.storageClassName}|obc|{.metadata.namespace}|{.metadata.name}{"\n"}{end}' 2>/dev/null | sed -n "s/^$class|//p"
  done
}
claims_left | while IFS='|' read -r kind namespace name; do
  printf 'deleting %s %s/%s, whose data is lost\n' "$kind" "$namespace" "$name"
  kubectl delete "$kind" "$name" -n "$namespace" --wait=false
done
within "$WAIT" gone_claims || fail "Claims are still used by pods: $(claims_left | tr '\n' ' ')" "Delete the workloads that use them (kubectl describe pvc says Used By), then retry."
