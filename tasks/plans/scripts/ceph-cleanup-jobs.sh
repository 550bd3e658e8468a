jobs() { kubectl get jobs -n "$SPACE" -o 'jsonpath={range .items[*]}{.metadata.name} {.status.succeeded}{"\n"}{end}' 2>/dev/null | grep '^cluster-cleanup-job-' || :; }
unfinished() { jobs | awk '$2 != 1 { print $1 }'; }
cleaned() { [ -z "$(unfinished)" ]; }
within "$WAIT" cleaned || {
  for job in $(unfinished); do
    printf -- '--- %s\n' "$job"
    kubectl describe job "$job" -n "$SPACE" | tail -n 8 || :
    kubectl logs -n "$SPACE" "job/$job" --tail=20 || :
  done
  fail "Rook's cleanup has not ended on every host: $(unfinished | tr '\n' ' ')" "Where a host is dead, skip this step; the next steps clean the hosts that answer."
}
jobs
