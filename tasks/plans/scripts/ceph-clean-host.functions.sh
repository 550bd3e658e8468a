ROOK=/var/lib/rook
# remains REPORT: whether nothing but what Ceph has left is on a disk that it was given. Rook's own cleanup takes the
# label away and may leave data behind it.
remains() {
  ! printf '%s\n' "$1" | grep -q -E '^(partition|mount|swap|holder|unreadable)=|^read_only=1' || return 1
  case $(printf '%s\n' "$1" | sed -n 's/^signature=//p' | sort -u) in '' | ceph_bluestore) ;; *) return 1 ;; esac
}
# The disks that this cluster's Ceph was given here and that still carry anything.
unclean() {
  claimed_disks | while read -r serial path; do
    [ -b "$path" ] || continue
    named "$path" "$serial"
    [ -z "$(carried "$(look_at "$name")")" ] || printf '%s\n' "$path"
  done
}
