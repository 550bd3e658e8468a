found=
if [ -d /var/lib/rook ] && [ -n "$(ls -A /var/lib/rook)" ]; then found="/var/lib/rook on $SANQIAN_HOST"; fi
if [ -s /var/lib/sanqian/ceph/disks ]; then found="${found:+$found and }disks of $SANQIAN_HOST that Ceph was given"; fi
if [ -r "$KUBECONFIG" ] && command -v kubectl >/dev/null; then
  clusters=$(kubectl get cephclusters.ceph.rook.io -A -o name 2>/dev/null) || clusters=
  [ -z "$clusters" ] || found="$clusters ${found:+and $found}"
fi
[ -n "$found" ] || exit 0
[ "$REMOVE" = yes ] || fail "There are data of Ceph: $found." \
  "Save what is needed and remove Ceph with the operation ceph-uninstall, or uninstall with remove_ceph_data."
printf 'data of Ceph go on request: %s\n' "$found"
