mine | while read -r serial path; do
  # Look and use in one go: between the two lies nothing but the next lines.
  named "$path" "$serial"
  seen=$(look_at "$name")
  ! blank_or_ours "$seen" || { printf '%s has nothing to wipe\n' "$path"; continue; }
  busy=$(printf '%s\n' "$seen" | sed -n -E '/^(mount|swap|holder|unreadable)=|^read_only=1/p' | tr '\n' ' ')
  [ -z "$busy" ] || fail "$path of $SANQIAN_HOST is in use and was not touched: $busy" "Free it (umount, swapoff, vgchange -an), or leave it out of wipe."
  printf 'wiping %s (serial %s), which carried: %s\n' "$path" "$serial" "$(carried "$seen")"
  zap "$name"
done
