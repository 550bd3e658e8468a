# Rook's CephCluster, then what Ceph itself answers in the toolbox. MARK begins and ends each answer; COMMANDS are lines
# "name word word...". Nothing here waits for long: the monitors may be gone, and then Ceph's client would wait for ever.
PATH=/usr/local/bin:$PATH
KUBECONFIG=/etc/kubernetes/admin.conf
export PATH KUBECONFIG
errors=$(mktemp)
trap 'rm -f "$errors"' EXIT
ask() {
  code=0
  printf '%s begin %s\n' "$MARK" "$1"
  shift
  timeout 15 "$@" 2>"$errors" </dev/null || code=$?
  printf '\n%s end %s %s\n' "$MARK" "$code" "$(tr '\n' ' ' <"$errors" | tail -c 300)"
  return "$code"
}
ask resource kubectl get cephclusters.ceph.rook.io -n "$NAMESPACE" -o json || exit 0
printf '%s\n' "$COMMANDS" | while read -r name words; do
  # The words are words: no quotes around them.
  # shellcheck disable=SC2086
  ask "$name" kubectl exec -n "$NAMESPACE" --pod-running-timeout=5s deploy/rook-ceph-tools -- \
    timeout 10 ceph --connect-timeout 8 $words -f json || [ "$name" != status ] || exit 0
done
