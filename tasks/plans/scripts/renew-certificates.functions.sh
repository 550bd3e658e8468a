# lasting SECONDS: whether the files on the host, and what its API server shows, hold for so long.
lasting() {
  ssh -i "$KEY" -p "$PORT" -o BatchMode=yes -o IdentitiesOnly=yes -o StrictHostKeyChecking=yes -o ConnectTimeout=20 \
    "$USER_AT_HOST" "cd /etc/kubernetes/pki && for name in apiserver apiserver-kubelet-client front-proxy-client; do
      openssl x509 -noout -checkend $1 -in \$name.crt || exit 1
    done" </dev/null >/dev/null 2>&1 && shown "$1"
}
shown() { openssl s_client -connect "$API" </dev/null 2>/dev/null | openssl x509 -noout -checkend "$1" >/dev/null 2>&1; }
answers() { kubectl --server "https://$API" get --raw /readyz >/dev/null 2>&1; }
