# From here the data is lost: the operator lets its daemons go and cleans every host.
kubectl patch cephcluster rook-ceph -n "$SPACE" --type merge -p '{"spec":{"cleanupPolicy":{"confirmation":"yes-really-destroy-data","allowUninstallWithVolumes":true,"sanitizeDisks":{"method":"quick","dataSource":"zero","iteration":1}}}}'
kubectl delete cephcluster rook-ceph -n "$SPACE" --wait=false
await_gone cephclusters
