file=$(chart_file)
[ -n "$file" ] || fail "The artifact has no chart $CHART." "Give a complete artifact."
status=$(release_status)
back=$(good_revision)
[ -n "$back" ] || fail "There is no release $NAME in $NAMESPACE that ever worked (status: ${status:-absent})." \
  "Install it: 3kctl deploy install operators --software $NAME. That also clears what a killed helm has left."
case $status in
  pending-*)
    # A helm that was killed leaves this behind, and every later helm refuses to go on.
    printf 'release %s was left %s at revision %s; rolling back to revision %s first\n' "$NAME" "$status" "$(release_revision)" "$back"
    helm rollback "$NAME" "$back" -n "$NAMESPACE" --wait --timeout "${WAIT}s" ||
      fail "The release $NAME was left $status and cannot be rolled back to revision $back." "Read helm's message above, mend it, then retry."
    back=$(good_revision) ;;
  uninstalling) fail "The release $NAME is being uninstalled." "Let that end, then install it anew." ;;
esac
present=$(good_chart) target=$(target_chart)
if newer "$present" "$target" && [ "$DOWNGRADE" = no ]; then
  fail "$NAME has the chart $present, which is newer than the artifact's $target." "Give an artifact with a newer one, or say downgrade: true."
fi
printf '%s: from chart %s (revision %s) to %s\n' "$NAME" "$present" "$back" "$target"

# helm creates the definitions of a chart's crds/ with the first installation and never changes them afterwards. Those
# of an older chart are not brought back: objects may use what only the newer ones know.
definitions=$(mktemp) said=$(mktemp)
trap 'rm -f "$definitions" "$said"' EXIT
helm show crds "$file" >"$definitions"
if grep -q '^kind: *CustomResourceDefinition' "$definitions" && ! newer "$present" "$target"; then
  progress 10 'updating the definitions'
  kubectl apply --server-side --force-conflicts --field-manager=helm -f "$definitions" ||
    fail "The definitions (CRDs) of $NAME $target were refused." "Read the message above. The release itself was not touched: it stays at revision $back."
  kubectl wait --for=condition=Established --timeout=60s -f "$definitions" >/dev/null ||
    fail "The definitions (CRDs) of $NAME $target are not established after 60 seconds." "kubectl describe crd names the reason; then retry."
fi

sum=$(wanted_sum)
progress 30 "upgrading to $target"
# Not --atomic: it would take the pods away before anybody could read what is wrong with them.
if helm_with upgrade "$NAME" "$file" -n "$NAMESPACE" --reset-values --wait --timeout "${WAIT}s" 2>"$said"; then
  cat "$said" >&2
  if within "$WAIT" needs_met; then
    remember "$sum"
    exit 0
  fi
  why=$(printf '%s\n' "$missing" | paste -s -d ';' -)
else
  cat "$said" >&2
  why=$(sed -n 's/^Error: \(UPGRADE FAILED: \)\{0,1\}//p' "$said" | tail -n 1)
  why=${why:-helm ended without a word, as when it is killed}
  stuck=$(unmet | paste -s -d ';' -)
  [ -z "$stuck" ] || why="$why ($stuck)"
fi
show_pods
# What the artifact has is not what runs: the next installation, and the look for drift, shall know.
rm -f "$RECORD"
if [ "$ON_FAILURE" = keep ]; then
  fail "$NAME was not upgraded to $target: $why. It is left as it is." \
    "Mend what is shown above and retry, or go back: 3kctl deploy rollback $NAME --revision $back."
fi
progress 70 "rolling back to revision $back"
helm rollback "$NAME" "$back" -n "$NAMESPACE" --wait --timeout "${WAIT}s" ||
  fail "$NAME was not upgraded to $target: $why. Rolling back to revision $back failed, too." \
    "Mend what is shown above, then: 3kctl deploy rollback $NAME --revision $back."
fail "$NAME was not upgraded to $target: $why. It is back at chart $present." \
  "Mend what is shown above, then retry; with on_failure: keep (--on-failure keep) the failed release stays for a look."
