command -v etcdctl >/dev/null || fail "etcdctl is not installed on $SANQIAN_HOST." "kk brings it as /usr/local/bin/etcdctl; put it there."
ssl=/etc/ssl/etcd/ssl kubeadm=/etc/kubernetes/pki/etcd
if [ -r "$ssl/admin-$SANQIAN_HOST.pem" ]; then ca=$ssl/ca.pem cert=$ssl/admin-$SANQIAN_HOST.pem key=$ssl/admin-$SANQIAN_HOST-key.pem
elif [ -r "$kubeadm/server.crt" ]; then ca=$kubeadm/ca.crt cert=$kubeadm/server.crt key=$kubeadm/server.key
else fail "$SANQIAN_HOST has no client certificate of etcd ($ssl/admin-$SANQIAN_HOST.pem or $kubeadm/server.crt)." "Is it an etcd host? Correct the role group etcd, or restore the certificate."
fi
umask 077
mkdir -p "$DIRECTORY"
find "$DIRECTORY" -maxdepth 1 -name 'etcd-*.part' -mmin +1440 -delete
need=$(du -sk /var/lib/etcd | cut -f 1)
free=$(df -Pk "$DIRECTORY" | awk 'NR == 2 { print $4 }')
[ "$free" -gt "$need" ] || fail "$DIRECTORY on $SANQIAN_HOST has $free KiB left; a snapshot may take $need KiB." "Make room there, keep fewer snapshots, or give another directory."
file=$DIRECTORY/etcd-$(date -u +%Y%m%dT%H%M%SZ).db
here() { etcdctl --endpoints=https://127.0.0.1:2379 --cacert="$ca" --cert="$cert" --key="$key" "$@"; }
# Half a snapshot may fill the disk: a cancelled one takes it along.
trap 'rm -f "$file.part"' EXIT
trap 'exit 143' TERM
here snapshot save "$file.part" ||
  fail "etcd on $SANQIAN_HOST gave no snapshot." "See its health there: journalctl -u etcd; etcdctl endpoint health."
status=$(status_of "$file.part") ||
  fail "The snapshot that was just taken on $SANQIAN_HOST cannot be read back." "Check the disk below $DIRECTORY: dmesg, smartctl."
# A restoration asks which versions and members the snapshot is of.
version=$(etcdctl version | awk 'NR == 1 { print $3 }')
members=$(here member list | awk -F ', ' '{ printf "%s%s", separator, $4; separator = " " }')
printf '%s,"etcd":"%s","kubernetes":"%s","members":"%s"}\n' "${status%\}}" "$version" "$KUBERNETES" "$members" >"$file.json"
mv "$file.part" "$file"
(cd "$DIRECTORY" && sha256sum "${file##*/}" >"${file##*/}.sha256.new" && sync && mv "${file##*/}.sha256.new" "${file##*/}.sha256")
printf 'snapshot %s: %s\n' "$file" "$status"
