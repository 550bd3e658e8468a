for namespace in cpod cpod-system; do
  kubectl create namespace "$namespace" --dry-run=client -o yaml | kubectl apply -f -
done
id=$(cpod_id) || fail "The namespace kube-system has no uid." "Check that the API server answers: kubectl get namespaces."
printf '%s=%s\n' access_key "$ACCESS_KEY" cpod_id "$id" api_address "$API_ADDRESS" storage_class "$STORAGE_CLASS" \
  oss_bucket "$OSS_BUCKET" log_level "$LOG_LEVEL" |
  kubectl create configmap cpod-info -n cpod-system --from-env-file=/dev/stdin --dry-run=client -o yaml |
  kubectl apply -f -
