# With an ended certificate here there is no quorum that could be lost through this host.
if ! own_ended; then
  bad=$(not_well)
  [ -z "$bad" ] || [ -e "$MARK" ] || fail "These members of etcd are not in good health: $bad" \
    "On the host: journalctl -u etcd. No certificate is changed before all are well."
fi
: >"$MARK"
authority=$(holds "$SSL/ca.pem" || echo new)
# The authority keeps its key and name: a host that has its new certificate and one that has the old one trust each other.
[ -z "$authority" ] || printf 'api-server\n' >"$MARK"
sign_ending
if [ "$MEMBER" = yes ]; then
  printf 'restarting etcd\n'
  systemctl restart etcd
fi
if [ "$API" = yes ] && [ -s "$MARK" ]; then
  # The API server reads the authority when it starts; the kubelet starts it again.
  printf 'restarting the API server: the authority of etcd is new\n'
  if command -v crictl >/dev/null; then crictl ps --name '^kube-apiserver$' -q | xargs -r crictl stop
  else docker ps -q --filter name=k8s_kube-apiserver | xargs -r docker restart
  fi
fi
