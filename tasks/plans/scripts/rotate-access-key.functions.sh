# The agent's workloads read cpod-info when they start. Each carries the public beginning of the key that it started with.
PREFIX=${ACCESS_KEY#*_}
PREFIX=${PREFIX%%_*}
NOTE=sanqian.dev/access-key
agents() { kubectl get deployments,statefulsets,daemonsets -n cpod-system -o name; }
# noted WORKLOAD: the beginning of the key in its template.
noted() { kubectl get "$1" -n cpod-system -o 'jsonpath={.spec.template.metadata.annotations.sanqian\.dev/access-key}'; }
# stale: the workloads that have not started with this key.
stale() {
  for agent in $(agents); do
    [ "$(noted "$agent")" = "$PREFIX" ] && kubectl rollout status "$agent" -n cpod-system --timeout=5s >/dev/null 2>&1 || printf '%s\n' "$agent"
  done
}
