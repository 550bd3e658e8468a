if [ -d "$HELD" ]; then
  for file in "$HELD"/*.yaml; do
    [ ! -e "$file" ] || mv "$file" /etc/kubernetes/manifests/
  done
  rmdir "$HELD"
fi
within "$WAIT" api || fail "The API server of $SANQIAN_HOST does not answer $WAIT seconds after its start." \
  "On the host: crictl ps -a --name kube-apiserver, and its log. Then retry."
