# Waiting for objects to go, and naming what holds those that do not.
SPACE=rook-ceph
# left KINDS: objects of these kinds in any namespace, lines "kind/name"; none where the kinds are not known.
left() {
  for kind in $1; do
    kubectl get "$kind" -A -o "jsonpath={range .items[*]}$kind/{.metadata.name}{\"\n\"}{end}" 2>/dev/null || :
  done
}
# classes: the StorageClasses that Rook serves, whatever they are called.
classes() {
  served=$(kubectl get storageclasses -o 'jsonpath={range .items[*]}{.metadata.name} {.provisioner}{"\n"}{end}') || return 1
  for end in $PROVISIONERS; do
    printf '%s\n' "$served" | awk -v end="$end" 'NF == 2 && substr($2, length($2) - length(end) + 1) == end { print $1 }'
  done
}
gone() { [ -z "$(left "$1")" ]; }
# await_gone KINDS: says for each object that stays which finalizers it has, and why Rook says that it is blocked.
await_gone() {
  within "$WAIT" gone "$1" && return
  for one in $(left "$1"); do
    kubectl get "$one" -n "$SPACE" -o 'jsonpath={.kind} {.metadata.name}: finalizers {.metadata.finalizers}; {range .status.conditions[?(@.type=="DeletionIsBlocked")]}{.reason}: {.message}{end}{"\n"}' || :
  done
  fail "Not gone after $WAIT seconds: $(left "$1" | tr '\n' ' ')" "Read above what blocks each; take that away, then retry. The operator's log tells more: kubectl logs -n $SPACE deploy/rook-ceph-operator."
}
