for namespace in $NAMESPACES; do
  kubectl create namespace "$namespace" --dry-run=client -o yaml | kubectl apply -f -
  sources | kubectl create configmap repo-config -n "$namespace" --from-file=sources.list=/dev/stdin --dry-run=client -o yaml |
    kubectl apply -f -
done
