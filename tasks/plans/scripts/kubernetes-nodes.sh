[ -r "$KUBECONFIG" ] || fail "$KUBECONFIG does not exist on $SANQIAN_HOST: there is no cluster yet." "Run the phase kubernetes."
ready() {
  missing=$(nodes_missing)
  [ "$missing" = "${told:-}" ] || printf 'not ready yet: %s\n' "${missing:-none}"
  told=$missing
  [ -z "$missing" ]
}
within "$WAIT" ready || {
  kubectl get nodes -o wide || :
  for node in $missing; do
    kubectl get node "$node" -o jsonpath='{range .status.conditions[*]}{.type}={.status} {.message}{"\n"}{end}' || :
  done
  fail "These hosts are not Ready after $WAIT seconds: $missing" "Read the conditions above; on the host: journalctl -u kubelet."
}
kubectl get nodes -o wide
