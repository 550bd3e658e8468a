# nodes_missing: names of NODES that are not Ready, on one line.
nodes_missing() {
  listed=$(kubectl get nodes --no-headers 2>/dev/null) || listed=
  for node in $NODES; do
    printf '%s\n' "$listed" | awk -v name="$node" '$1 == name && ($2 == "Ready" || $2 ~ /^Ready,/) { found = 1 } END { exit !found }' ||
      printf '%s ' "$node"
  done
}
