set -- drain "$NODE" --ignore-daemonsets --timeout="${SECONDS_LEFT}s"
[ "$EMPTYDIR" = no ] || set -- "$@" --delete-emptydir-data
# On a dead host no pod is ever seen to end: those that were told so long ago are not waited for.
[ "$FORCE" = no ] || set -- "$@" --force --delete-emptydir-data --skip-wait-for-delete-timeout=20
said=$(mktemp)
trap 'rm -f "$said"' EXIT
code=$({ kubectl "$@" 2>&1 && echo 0 >"$said.code" || echo 1 >"$said.code"; } | tee "$said" >&2; cat "$said.code"; rm -f "$said.code")
[ "$code" -ne 0 ] || exit 0
left=$(kubectl get pods -A --field-selector "spec.nodeName=$NODE" -o \
  'jsonpath={range .items[*]}{.metadata.namespace}/{.metadata.name} {.metadata.ownerReferences[0].kind}{"\n"}{end}' |
  awk 'NF && $2 != "DaemonSet" && $2 != "Node" { printf "%s ", $1 }')
if [ "$FORCE" = yes ]; then
  printf 'given up on %s: %s\n' "$NODE" "${left:-nothing}"
  exit 0
fi
back="kubectl uncordon $NODE gives the node back to the scheduler."
if grep -q 'disruption budget' "$said"; then
  budgets=$(kubectl get poddisruptionbudgets -A -o 'jsonpath={range .items[*]}{.metadata.namespace}/{.metadata.name} {end}')
  fail "$NODE is not drained after $SECONDS_LEFT s: disruption budgets hold $left(budgets: $budgets)" \
    "Let the applications have more replicas elsewhere, or relax the budget, then retry. $back"
elif grep -q 'delete-emptydir-data' "$said"; then
  fail "Pods on $NODE keep data in an emptyDir volume, which would be lost: $left" "Save what is needed, then remove the node with delete_emptydir_data. $back"
elif grep -q 'declare no controller' "$said"; then
  fail "Pods on $NODE belong to no controller and would come back nowhere: $left" "Delete them yourself, then retry. $back"
fi
fail "$NODE is not drained after $SECONDS_LEFT s; left: ${left:-unknown}" "Read kubectl's message above, then retry. $back"
