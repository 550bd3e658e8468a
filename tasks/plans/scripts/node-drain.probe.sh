[ -r "$KUBECONFIG" ] && node_gone
