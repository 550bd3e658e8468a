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
rm -rf "$ROOK"
left=$(unclean)
[ -z "$left" ] || fail "These disks of $SANQIAN_HOST still carry something: $left" "Look what holds them: lsblk, dmsetup ls."
rm -f "$CLAIMS" "${CLAIMS%/*}/values.yaml"
