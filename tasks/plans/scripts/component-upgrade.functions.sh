revisions() { helm history "$NAME" -n "$NAMESPACE" -o json 2>/dev/null | tr -d '\n' | sed 's/},{/}\n{/g'; }
# The last revision that works: after a helm that failed or was killed it is not the newest one.
good() {
  listed=$(revisions)
  found=$(printf '%s\n' "$listed" | grep '"status":"deployed"' | tail -n 1)
  [ -n "$found" ] || found=$(printf '%s\n' "$listed" | grep '"status":"superseded"' | tail -n 1)
  printf '%s' "$found"
}
good_revision() { good | sed -n 's/.*"revision":\([0-9]*\).*/\1/p'; }
good_chart() { label=$(good | sed -n 's/.*"chart":"\([^"]*\)".*/\1/p'); printf '%s' "${label#"$CHART"-}"; }
target_chart() { base=$(basename "$(chart_file)" .tgz); printf '%s' "${base#"$CHART"-}"; }
# newer A B: whether version A comes after B; a pre-release comes before its release.
plain() { printf '%s\n' "${1#v}" | sed 's/+.*//; s/-/~/'; }
newer() { [ "$(plain "$1")" != "$(plain "$2")" ] && [ "$({ plain "$1"; plain "$2"; } | sort -V | tail -n 1)" = "$(plain "$1")" ]; }
