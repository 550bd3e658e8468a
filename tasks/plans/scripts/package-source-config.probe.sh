wanted=$(sources)
for namespace in $NAMESPACES; do
  [ "$(kubectl get configmap repo-config -n "$namespace" -o 'jsonpath={.data.sources\.list}' 2>/dev/null)" = "$wanted" ] || exit 1
done
