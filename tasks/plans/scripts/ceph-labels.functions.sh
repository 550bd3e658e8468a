unlabelled() {
  for node in $NODES; do
    [ "$(kubectl get node "$node" -o 'jsonpath={.metadata.labels.role}')" = ceph ] || printf '%s ' "$node"
  done
}
