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
# clean_disks: takes what Ceph has put there off the disks that it was given on this host.
clean_disks() {
  claimed_disks | while read -r serial path; do
    [ -b "$path" ] || { printf '%s is not there any more\n' "$path"; continue; }
    named "$path" "$serial"
    seen=$(look_at "$name")
    if [ -z "$(carried "$seen")" ]; then continue; fi
    # Only what Ceph itself has put there is taken away.
    remains "$seen" ||
      fail "$path of $SANQIAN_HOST was Ceph's and now carries something else: $(carried "$seen")" "It was not touched. Take its line out of $CLAIMS if it is yours."
    printf 'cleaning %s (serial %s)\n' "$path" "$serial"
    zap "$name"
  done
  left=$(unclean)
  [ -z "$left" ] || fail "These disks of $SANQIAN_HOST still carry something: $left" "Look what holds them: lsblk, dmsetup ls."
}
