# node_gone: the cluster answers, and has no node NODE.
node_gone() {
  nodes=$(kubectl get nodes -o name) && case "
$nodes
" in *"
node/$NODE
"*) return 1 ;; esac
}
