! interrupted creation && [ -r "$KUBECONFIG" ] && command -v kubectl >/dev/null && [ -z "$(nodes_missing)" ]
