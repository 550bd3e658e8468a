# uid of kube-system -> cpod id, as the platform's other parts compute it.
cpod_id() {
  uid=$(kubectl get namespace kube-system -o 'jsonpath={.metadata.uid}') && [ -n "$uid" ] || return 1
  printf %s "$uid" | md5sum | cut -d ' ' -f 1
}
held() { kubectl get configmap cpod-info -n cpod-system -o "jsonpath={.data.$1}" 2>/dev/null; }
# Compared in the shell itself: no process sees the access key in its arguments.
info_held() {
  kubectl get namespace cpod >/dev/null 2>&1 || return 1
  id=$(cpod_id) && [ "$(held cpod_id)" = "$id" ] && [ "$(held access_key)" = "$ACCESS_KEY" ] &&
    [ "$(held api_address)" = "$API_ADDRESS" ] && [ "$(held storage_class)" = "$STORAGE_CLASS" ] &&
    [ "$(held oss_bucket)" = "$OSS_BUCKET" ] && [ "$(held log_level)" = "$LOG_LEVEL" ]
}
