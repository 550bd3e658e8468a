case $(owner) in
  "$OWNER") ;;
  '') fail "$SANQIAN_HOST was not prepared for this cluster, and carries traces of one: it is left alone." \
    "If it is the right host, clean it by hand; else take it out of the registry." ;;
  *) fail "$SANQIAN_HOST belongs to another cluster ($(owner)): it is left alone." "Take it out of this cluster's registry." ;;
esac
have() { command -v "$1" >/dev/null 2>&1; }
remove() {
  for path; do
    [ -e "$path" ] || [ -L "$path" ] || continue
    rm -rf --one-file-system -- "$path" && printf 'removed %s\n' "$path"
  done
}
stop() { ! have systemctl || systemctl disable --now "$1.service" >/dev/null 2>&1 || :; }

progress 10 'ending what runs'
stop kubelet
if have crictl; then
  for pod in $(crictl pods -q 2>/dev/null); do crictl rmp -f "$pod" >/dev/null 2>&1 || :; done
fi
stop etcd
stop backup-etcd
stop k8s-certs-renew
if [ "$WHOLE" = yes ]; then
  if have docker; then docker rm -f apt-source >/dev/null 2>&1 || :; fi
  if [ -e /opt/harbor/docker-compose.yml ] && have docker-compose; then
    docker-compose -f /opt/harbor/docker-compose.yml down -v >/dev/null 2>&1 || :
  fi
  stop harbor
fi
if brought containerd; then stop containerd; fi
for process in /proc/[0-9]*; do
  case $(tr '\0' ' ' <"$process/cmdline" 2>/dev/null) in
    *containerd-shim*'-namespace k8s.io '*) kill -9 "${process#/proc/}" 2>/dev/null || : ;;
  esac
done

progress 40 'unmounting'
mounts() { awk '$2 ~ "^/var/lib/kubelet/" || $2 ~ "^/run/containerd/io\\.containerd" || $2 ~ "^/run/netns/cni-" { print $2 }' /proc/mounts; }
mounts | sort -r | while IFS= read -r mounted; do
  mounted=$(printf '%b' "$mounted")
  umount "$mounted" 2>/dev/null || umount -l "$mounted" || :
done
left=$(mounts)
# Nothing is removed below a mount: it might be somebody's data.
[ -z "$left" ] || fail "Still mounted: $(printf '%s' "$left" | tr '\n' ' ')" "Find who uses it: fuser -vm PATH; then retry."

progress 60 'network'
for path in /sys/class/net/*; do
  case ${path##*/} in
    cni0 | flannel.1 | vxlan.calico | kube-ipvs0 | nodelocaldns | cali*)
      ip link delete "${path##*/}" && printf 'deleted the interface %s\n' "${path##*/}" ;;
    tunl0) ip link set tunl0 down 2>/dev/null || : ;;
  esac
done
for family in iptables ip6tables; do
  have "$family-save" || continue
  rules=$("$family-save" 2>/dev/null) || continue
  case $rules in
    *KUBE-* | *cali-*)
      printf '%s\n' "$rules" | grep -v -E 'KUBE-|cali-' | "$family-restore"
      printf 'removed the rules of kube-proxy and calico from %s\n' "$family" ;;
  esac
done
if [ -e /proc/net/ip_vs ] && have ipvsadm; then ipvsadm -C 2>/dev/null || :; fi
if have ipset; then
  for set in $(ipset list -n 2>/dev/null | grep -E '^(KUBE-|cali)' || :); do ipset destroy "$set" 2>/dev/null || :; done
fi

progress 80 'removing files'
remove $FILES_OF_KUBERNETES
[ -z "$REGISTRY" ] || remove "/etc/docker/certs.d/$REGISTRY"
if brought containerd && ! brought docker; then remove $FILES_OF_CONTAINERD; fi
if [ "$WHOLE" = yes ]; then
  remove $FILES_OF_REGISTRY
  if brought docker; then
    stop docker
    remove $FILES_OF_DOCKER $FILES_OF_CONTAINERD
  fi
fi
if [ "$CEPH" = yes ]; then
  # The OSDs have ended above. What was given is known until the last of it is clean.
  clean_disks
  remove /var/lib/rook
elif [ -e /var/lib/rook ]; then
  printf 'kept /var/lib/rook, where Rook had its monitors and settings\n'
fi
if grep -qs '^# kubekey hosts BEGIN' /etc/hosts; then
  # Written over, not renamed: /etc/hosts may be a mount of its own.
  kept=$(sed '/^# kubekey hosts BEGIN/,/^# kubekey hosts END/d' /etc/hosts)
  printf '%s\n' "$kept" >/etc/hosts
fi
! have systemctl || systemctl daemon-reload >/dev/null 2>&1 || :
if [ "$TAKE_ARTIFACT" = yes ] && [ -e "$CONFIRM_MARKER" ]; then
  remove "$ARTIFACT" "$ARTIFACT.archive" "$ARTIFACT.archive.sha256" "$ARTIFACT.archive.source"
fi
# The owner's mark goes last: without it a retry would not touch this host. Jobs are cleared by the service.
for path in "$STATE"/*; do
  case ${path##*/} in jobs | cluster) ;; *) remove "$path" ;; esac
done
