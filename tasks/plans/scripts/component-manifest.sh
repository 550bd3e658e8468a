[ -r "$MANIFEST" ] || fail "The artifact has no $MANIFEST." "Give a complete artifact."
await_needs
for namespace in $NAMESPACES; do
  kubectl get namespace "$namespace" >/dev/null 2>&1 || kubectl create namespace "$namespace" || kubectl get namespace "$namespace"
done
put() {
  # Large CRDs do not fit into the annotation that apply keeps; what exists is merged by the server.
  if [ "$CREATE" = yes ]; then
    if said=$(kubectl create -f "$MANIFEST" 2>&1); then return; fi
    case $said in *AlreadyExists* | *'already exists'*) ;; *) return 1 ;; esac
    said=$(kubectl apply --server-side --force-conflicts -f "$MANIFEST" 2>&1)
  else
    said=$(kubectl apply -f "$MANIFEST" 2>&1)
  fi
}
# Webhooks that do not answer yet and definitions that are not established yet come by themselves; nothing else does.
end=$(($(date +%s) + WAIT))
until put; do
  printf '%s\n' "$said"
  case $said in
    *'failed calling webhook'* | *'no endpoints available'* | *'no matches for kind'* | *'ensure CRDs are installed first'* | *'connection refused'* | *'being terminated'*) ;;
    *) fail "kubectl did not take $MANIFEST." "Read its message above." ;;
  esac
  [ "$(date +%s)" -lt "$end" ] || fail "$MANIFEST was not taken for $WAIT seconds." "Read kubectl's last message above."
  sleep 5
done
printf '%s\n' "$said"
remember "$(sum_of "$MANIFEST")"
