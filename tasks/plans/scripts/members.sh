listed=$(kubectl get nodes --no-headers) || fail "The cluster does not answer." "Read its health, and bring the control plane back first."
printf '%s\n' "$listed"
for node in $NODES; do
  printf '%s\n' "$listed" | awk -v name="$node" '$1 == name { found = 1 } END { exit !found }' ||
    fail "$node is registered and no node of the cluster: kk would add it too." "Name it among the hosts that join, or take it out of the registry."
done
