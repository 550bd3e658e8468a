for node in $NODES; do
  role=$(kubectl get node "$node" -o 'jsonpath={.metadata.labels.role}') ||
    fail "$node is no node of the cluster, so that Ceph cannot run there." "Put the host into the role group worker too, and add it to the cluster."
  case $role in
    '' | ceph) ;;
    *) fail "The node $node has the label role=$role already." "Take it away (kubectl label node $node role-) if nothing needs it, or choose other hosts." ;;
  esac
done
for node in $(unlabelled); do kubectl label node "$node" role=ceph; done
