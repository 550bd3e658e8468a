followed() {
  left=$(waiting)
  [ "$left" = "${told:-}" ] || printf '%s\n' "${left:-what runs on every node runs on: $NODES}"
  told=$left
  [ -z "$left" ]
}
within "$WAIT" followed || {
  kubectl get pods -A -o wide | awk -v nodes=" $NODES " 'NR == 1 || index(nodes, " " $8 " ")' || :
  fail "This does not run on the new nodes after $WAIT seconds: $(printf '%s' "$left" | tr '\n' ';')" "kubectl describe pod names the reason; mend it and retry."
}
