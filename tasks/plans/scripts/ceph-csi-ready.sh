await_needs
kubectl get deployments,daemonsets -n "$NAMESPACE" -o wide
