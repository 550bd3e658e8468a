CRDS='cephclusters cephblockpools cephfilesystems cephobjectstores'
established() {
  for crd in $CRDS; do
    [ "$(kubectl get crd "$crd.ceph.rook.io" -o 'jsonpath={.status.conditions[?(@.type=="Established")].status}' 2>/dev/null)" = True ] || return 1
  done
}
