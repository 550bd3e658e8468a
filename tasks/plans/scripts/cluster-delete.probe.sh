[ ! -e /etc/kubernetes/admin.conf ] && [ ! -e /var/lib/kubelet/config.yaml ] && [ ! -e /etc/etcd.env ]
