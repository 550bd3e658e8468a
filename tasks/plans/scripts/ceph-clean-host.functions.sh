ROOK=/var/lib/rook
# The disks that this cluster's Ceph was given here and that still carry anything.
unclean() {
  claimed_disks | while read -r serial path; do
    [ -b "$path" ] || continue
    named "$path" "$serial"
    [ -z "$(carried "$(look_at "$name")")" ] || printf '%s\n' "$path"
  done
}
