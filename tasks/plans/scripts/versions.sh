running() { kubectl get --raw /version 2>/dev/null | sed -n 's/.*"gitVersion": *"\([^"]*\)".*/\1/p'; }
# others: nodes whose kubelet has not VERSION, with what they have.
others() {
  kubectl get nodes -o 'jsonpath={range .items[*]}{.metadata.name}={.status.nodeInfo.kubeletVersion}{"\n"}{end}' |
    grep -v "=$VERSION\$" | tr '\n' ' '
}
