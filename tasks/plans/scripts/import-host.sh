# What this host says of the Kubernetes that runs on it, as lines "key=value". Changes nothing.
# REGISTRY and ENDPOINT (of the API) are host names, or empty.
PATH=/usr/local/bin:$PATH
say() { [ -z "$2" ] || printf '%s=%s\n' "$1" "$2"; }
say machine_id "$(cat /etc/machine-id 2>/dev/null)"
ip -o addr show 2>/dev/null | awk '{ split($4, part, "/"); print "address=" part[1] }'
[ ! -e /etc/kubernetes/kubelet.conf ] || say kubelet yes
say kubelet_version "$(kubelet --version 2>/dev/null | sed -n 's/^Kubernetes \(v[0-9][^ ]*\).*/\1/p')"
if [ -e /etc/kubernetes/manifests/etcd.yaml ]; then say etcd pod
elif [ -e /etc/etcd.env ] || [ -e /etc/systemd/system/etcd.service ]; then say etcd service
fi
! command -v etcdctl >/dev/null || say etcdctl yes
# Where etcd's clients look on this host (etcd-snapshot.sh); kk names the file after the host as it knows it.
for file in "/etc/ssl/etcd/ssl/admin-$HOST.pem" /etc/kubernetes/pki/etcd/server.crt; do
  [ ! -r "$file" ] || { say etcd_client yes; break; }
done
if [ -r /etc/kubernetes/pki/ca.crt ] && command -v openssl >/dev/null; then
  say authority "$(openssl x509 -outform der </etc/kubernetes/pki/ca.crt 2>/dev/null | sha256sum | cut -d ' ' -f 1)"
fi
say owner "$(cat /var/lib/sanqian/cluster 2>/dev/null)"
address_of() { [ -z "$1" ] || getent ahosts "$1" 2>/dev/null | awk '{ print $1; exit }'; }
say registry_address "$(address_of "${REGISTRY%:*}")"
say endpoint_address "$(address_of "$ENDPOINT")"
# Only whether it is a Harbor: nothing secret is sent, so its certificate need not be trusted here.
if [ -n "$REGISTRY" ] && command -v curl >/dev/null; then
  [ "$(curl -fsSk --max-time 4 "https://$REGISTRY/api/v2.0/ping" 2>/dev/null | tr -d '" \n' | cut -c 1-4)" != Pong ] || say harbor yes
fi
printf 'end=\n'
