# Lines "pod node" of the running, ready coredns pods that are not being deleted.
dns_pods() {
  kubectl get pods -n kube-system -l k8s-app=kube-dns -o \
    'jsonpath={range .items[*]}{.metadata.name}|{.spec.nodeName}|{.metadata.deletionTimestamp}|{.status.conditions[?(@.type=="Ready")].status}{"\n"}{end}' |
    awk -F '|' '/^coredns/ && $3 == "" && $4 == "True" { print $1, $2 }'
}
dns_nodes() { dns_pods | awk '!seen[$2]++' | wc -l; }
ready_nodes() { kubectl get nodes --no-headers | awk '$2 == "Ready"' | wc -l; }
