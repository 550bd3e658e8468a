STATE=/var/lib/sanqian
FILES_OF_KUBERNETES="/etc/kubernetes /var/lib/kubelet /var/lib/etcd /etc/etcd.env /etc/ssl/etcd /etc/cni/net.d /opt/cni/bin
  /var/lib/cni /var/lib/calico /var/run/calico /var/log/calico /var/lib/dockershim /root/.kube/config /root/.kube/cache
  /etc/systemd/system/kubelet.service /etc/systemd/system/kubelet.service.d /etc/systemd/system/etcd.service
  /etc/systemd/system/backup-etcd.service /etc/systemd/system/backup-etcd.timer
  /etc/systemd/system/k8s-certs-renew.service /etc/systemd/system/k8s-certs-renew.timer
  /usr/local/bin/kubeadm /usr/local/bin/kubelet /usr/local/bin/kubectl /usr/local/bin/helm /usr/local/bin/etcd
  /usr/local/bin/etcdctl /usr/local/bin/kube-scripts"
FILES_OF_REGISTRY="/opt/harbor /mnt/registry /etc/ssl/registry /etc/systemd/system/harbor.service"
FILES_OF_CONTAINERD="/etc/containerd /etc/crictl.yaml /var/lib/containerd /run/containerd /usr/bin/containerd
  /usr/bin/containerd-shim /usr/bin/containerd-shim-runc-v1 /usr/bin/containerd-shim-runc-v2 /usr/bin/ctr /usr/bin/runc
  /usr/bin/crictl /etc/systemd/system/containerd.service"
FILES_OF_DOCKER="/etc/docker /var/lib/docker /usr/bin/docker /usr/bin/dockerd /usr/bin/docker-init /usr/bin/docker-proxy
  /usr/bin/docker-compose /etc/systemd/system/docker.service"
# A package's unit lies below /lib: what has one below /etc was brought by kk.
brought() { [ -e "/etc/systemd/system/$1.service" ] && ! dpkg -S "/etc/systemd/system/$1.service" >/dev/null 2>&1; }
owner() { cat "$STATE/cluster" 2>/dev/null || :; }
# traces: what is here of a platform, lines "kind what".
traces() {
  facts 2>/dev/null | sed -n 's/^residue=//p'
  paths=$FILES_OF_KUBERNETES
  [ "$WHOLE" = no ] || paths="$paths $FILES_OF_REGISTRY"
  [ "$CEPH" = no ] || paths="$paths /var/lib/rook $STATE/ceph/disks"
  for path in $paths; do
    [ ! -e "$path" ] || printf 'files %s\n' "$path"
  done
  ! grep -qs '^# kubekey hosts BEGIN' /etc/hosts || echo 'lines /etc/hosts'
}
