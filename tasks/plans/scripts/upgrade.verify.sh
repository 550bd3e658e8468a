upgraded() { [ "$(running)" = "$VERSION" ] && [ -z "$(others)" ] && [ -z "$(nodes_missing)" ]; }
within "$WAIT" upgraded || {
  kubectl get nodes -o wide || :
  fail "Not everything runs $VERSION and is Ready after $WAIT seconds: API server $(running), nodes $(others)" \
    "Read the table above; retry: what has the version is left alone."
}
kubectl get nodes -o wide
rm -f "$CONFIG"
