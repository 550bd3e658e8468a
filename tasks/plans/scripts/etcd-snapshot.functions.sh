export ETCDCTL_API=3
# etcdutl reads snapshots since etcd 3.5, etcdctl before.
status_of() { if command -v etcdutl >/dev/null; then etcdutl snapshot status "$1" -w json; else etcdctl snapshot status "$1" -w json; fi; }
