# mine: the disks of this host to be wiped, lines "serial path". WIPES has lines "host serial path".
mine() { printf '%s\n' "$WIPES" | sed -n "s|^$SANQIAN_HOST ||p"; }
to_wipe() {
  mine | while read -r serial path; do
    named "$path" "$serial"
    blank_or_ours "$(look_at "$name")" || printf '%s\n' "$path"
  done
}
