left=$(to_wipe)
[ -z "$left" ] || fail "These disks of $SANQIAN_HOST still carry something: $left" "Look what writes to them."
