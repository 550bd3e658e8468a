# waiting: lines "node: namespace/pod: reason" of pods of daemon sets that are not ready, and of nodes without any.
waiting() {
  for node in $NODES; do
    kubectl get pods -A --field-selector "spec.nodeName=$node" -o \
      'jsonpath={range .items[?(@.metadata.ownerReferences[0].kind=="DaemonSet")]}{.metadata.namespace}/{.metadata.name}|{.status.phase}|{.status.conditions[?(@.type=="Ready")].status}{"\n"}{end}' |
      awk -F '|' -v node="$node" 'NF > 1 { seen = 1; if ($3 != "True") print node ": " $1 ": " $2 }
        END { if (!seen) print node ": no pod of a daemon set runs there" }'
  done
}
