started=$(agents) || fail "The workloads of cpod-system cannot be listed." "Check that the API server answers: kubectl get nodes."
[ -n "$started" ] || printf 'nothing runs in cpod-system: whatever is installed there starts with the new key\n'
for agent in $started; do
  [ "$(noted "$agent")" = "$PREFIX" ] ||
    kubectl patch "$agent" -n cpod-system --type merge -p "{\"spec\": {\"template\": {\"metadata\": {\"annotations\": {\"$NOTE\": \"$PREFIX\"}}}}}"
done
for agent in $started; do
  kubectl rollout status "$agent" -n cpod-system --timeout="${WAIT}s" || {
    kubectl get pods -n cpod-system -o wide || :
    fail "$agent in cpod-system did not come up with the new access key in $WAIT seconds." \
      "kubectl logs -n cpod-system $agent names the reason; mend it and retry. The key before is valid still."
  }
done
