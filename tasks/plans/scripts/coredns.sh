if [ "$(ready_nodes)" -lt 2 ]; then
  printf 'one node takes pods: coredns cannot be spread\n'
  exit 0
fi
replicas=$(kubectl get deployment coredns -n kube-system -o 'jsonpath={.spec.replicas}')
[ "${replicas:-0}" -ge 2 ] || kubectl scale deployment coredns -n kube-system --replicas=2
spread() {
  pods=$(dns_pods)
  printf '%s\n' "$pods" | awk 'NF { print "coredns:", $1, "on", $2 }'
  [ "$(printf '%s\n' "$pods" | awk 'NF && !seen[$2]++' | wc -l)" -ge 2 ] && return 0
  # Only when both run: the scheduler prefers the other node for the one that comes anew.
  if [ "$(printf '%s\n' "$pods" | awk 'NF' | wc -l)" -ge 2 ]; then
    kubectl delete pod -n kube-system "$(printf '%s\n' "$pods" | awk 'NR == 1 { print $1 }')" --wait=false
    sleep 5
  fi
  return 1
}
within "$WAIT" spread || {
  kubectl get pods -n kube-system -o wide
  fail "coredns does not run on two nodes after $WAIT seconds." "kubectl describe pods -n kube-system -l k8s-app=kube-dns names the reason."
}
