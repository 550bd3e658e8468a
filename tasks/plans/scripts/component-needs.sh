# NEEDS: lines "component|namespaces with commas|kind or kinds with commas|pattern" and "component|namespace|webhook|service".
in_namespace() { [ -z "$1" ] && printf %s --all-namespaces || printf %s "--namespace=$1"; }
# unmet: what of NEEDS is not ready, one a line.
unmet() {
  printf '%s\n' "$NEEDS" | while IFS='|' read -r component namespace kinds pattern; do
    [ -n "$component" ] || continue
    if [ "$kinds" = webhook ]; then
      [ -n "$(kubectl get endpoints "$pattern" -n "$namespace" -o 'jsonpath={.subsets[*].addresses[*].ip}' 2>/dev/null)" ] ||
        printf '%s: webhook %s has no ready endpoint\n' "$component" "$pattern"
      continue
    fi
    printf '%s\n' "$namespace" | tr ',' '\n' | while read -r place; do
      kubectl get "$kinds" $(in_namespace "$place") -o 'jsonpath={range .items[*]}{.metadata.name}|{.spec.replicas}|{.status.readyReplicas}|{.status.desiredNumberScheduled}|{.status.numberReady}{"\n"}{end}' 2>/dev/null || :
    done |
      {
        found=no
        while IFS='|' read -r name replicas ready desired up; do
          # shellcheck disable=SC2254
          case $name in $pattern) ;; *) continue ;; esac
          found=yes
          wanted=${desired:-${replicas:-0}} have=${up:-${ready:-0}}
          [ "$have" -ge "$wanted" ] || printf '%s: %s has %s of %s ready\n' "$component" "$name" "$have" "$wanted"
        done
        [ "$found" = yes ] || printf '%s: no %s %s in %s\n' "$component" "$kinds" "$pattern" "$namespace"
      }
  done
}
needs_met() {
  missing=$(unmet)
  [ "$missing" = "${told:-}" ] || [ -z "$missing" ] || printf 'waiting for %s\n' "$missing"
  told=$missing
  [ -z "$missing" ]
}
# show_pods: the pods and the latest events where NEEDS live.
show_pods() {
  printf '%s\n' "$NEEDS" | cut -d '|' -f 2 | tr ',' '\n' | sort -u | while read -r namespace; do
    [ -n "$namespace" ] || continue
    kubectl get pods -n "$namespace" -o wide || :
    kubectl get events -n "$namespace" --sort-by=.lastTimestamp 2>/dev/null | tail -n 15 || :
  done
}
await_needs() {
  within "$WAIT" needs_met && return
  show_pods
  fail "$NAME needs what is not ready after $WAIT seconds: $(printf '%s' "$missing" | tr '\n' ';')" \
    "Mend those components first (pods and events above), then retry."
}
# What was installed: a sum of everything that decides it.
RECORD=$STATE/components/$NAME
remember() { mkdir -p "${RECORD%/*}" && printf '%s\n' "$1" >"$RECORD.new" && mv "$RECORD.new" "$RECORD"; }
