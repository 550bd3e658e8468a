# MEMBERS: lines "host url". etcd_at URLS WORDS...: etcdctl with this host's own certificate, as kk lays it
# out: admin-HOST on a member, node-HOST on a host of the control plane.
etcd_at() {
  urls=$1
  shift
  who=admin
  [ -r "/etc/ssl/etcd/ssl/admin-$SANQIAN_HOST.pem" ] || who=node
  ETCDCTL_API=3 etcdctl --endpoints="$urls" --cacert=/etc/ssl/etcd/ssl/ca.pem --command-timeout=10s \
    --cert="/etc/ssl/etcd/ssl/$who-$SANQIAN_HOST.pem" --key="/etc/ssl/etcd/ssl/$who-$SANQIAN_HOST-key.pem" "$@"
}
all_urls() { printf '%s\n' "$MEMBERS" | awk 'NF { printf "%s%s", separator, $2; separator = "," }'; }
# sick: names of MEMBERS that are not in good health.
sick() {
  printf '%s\n' "$MEMBERS" | while read -r name url; do
    [ -z "$name" ] || etcd_at "$url" endpoint health >/dev/null 2>&1 || printf '%s ' "$name"
  done
}
