# The last look before Rook is told of the disks. Changes nothing; Rook's own check follows when it prepares an OSD.
[ -r "$CLAIMS" ] || fail "$SANQIAN_HOST has no $CLAIMS." "Start the operation anew."
claimed_disks | while read -r serial path; do
  [ -b "$path" ] || { printf '%s (serial %s) is not there any more\n' "$path" "$serial"; continue; }
  named "$path" "$serial"
  seen=$(look_at "$name")
  blank_or_ours "$seen" || fail "$path of $SANQIAN_HOST is not given to Ceph, it now carries: $(carried "$seen")" "Start the operation anew: the disk is then left out, unless wipe names it."
  printf 'free for Ceph: %s (serial %s)\n' "$path" "$serial"
done
