export ETCDCTL_API=3
# etcdutl reads and restores snapshots since etcd 3.5, etcdctl before.
snapshot_tool() { if command -v etcdutl >/dev/null; then etcdutl snapshot "$@"; else etcdctl snapshot "$@"; fi; }
status_of() { snapshot_tool status "$1" -w json; }
