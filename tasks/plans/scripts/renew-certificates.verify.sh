within "$WAIT" answers || fail "The API server of $HOST does not answer at $API after $WAIT seconds with its new certificate." \
  "On $HOST: crictl ps -a --name kube-apiserver, and its log. The host after it was not touched."
within 60 lasting "$((DAYS * 86400))" || fail "The certificates of $HOST were not renewed, or its API server still shows an old one." \
  "On $HOST: kubeadm certs check-expiration; restart kube-apiserver, then retry."
rm -f "$CONFIG"
