joined() { [ -z "$(nodes_missing)" ] && [ -z "$(etcd_missing)" ]; }
within "$WAIT" joined || {
  kubectl get nodes -o wide || :
  fail "Not in the cluster after $WAIT seconds: $(nodes_missing)$(etcd_missing)" "On the host: journalctl -u kubelet, and -u etcd for a member of etcd."
}
kubectl get nodes -o wide
