# Disks as they are and what they carry, as lines "key=value"; a key may repeat. Reads only.
# CLAIMS lists the disks that Ceph was given on this host, lines "cluster serial path".
CLAIMS=/var/lib/sanqian/ceph/disks
say() { printf '%s=%s\n' "$1" "$2"; }
told_by() { [ ! -r "$1" ] || tr -s ' ' <"$1" | sed 's/^ //; s/ $//'; }
# Names in /sys/block of whole disks; what is made of others, or of memory, is none.
whole_disks() {
  for place in /sys/block/*; do
    case ${place##*/} in
      '*' | loop* | ram* | zram* | sr* | fd* | dm-* | md* | nbd* | rbd* | drbd* | bcache* | mtdblock*) ;;
      *) printf '%s\n' "${place##*/}" ;;
    esac
  done
}
# Links that follow the disk itself, not what lies on it.
links_to() {
  for link in /dev/disk/by-id/*; do
    case ${link##*/} in '*' | lvm-pv-* | dm-* | md-*) continue ;; esac
    [ "$(readlink -f "$link")" != "$1" ] || printf '%s\n' "$link"
  done
}
# The serial number; where nothing else tells it, it is what udev named the disk after: bus-SERIAL.
serial_of() {
  found=$(lsblk -d -n -o SERIAL "/dev/$1" 2>/dev/null | tr -d ' ') || found=
  [ -n "$found" ] || found=$(told_by "/sys/block/$1/serial")
  [ -n "$found" ] || found=$(told_by "/sys/block/$1/device/serial")
  [ -n "$found" ] || found=$(links_to "/dev/$1" | head -n 1 | sed 's|.*/||; s/^[a-z]*-//')
  printf %s "$found"
}
partitions_of() {
  for file in /sys/block/"$1"/*/partition; do
    [ ! -r "$file" ] || { part=${file%/partition}; printf '%s\n' "${part##*/}"; }
  done
}
# Numbers "major:minor" of the disk, its partitions, and all that is built on them.
numbers_of() {
  for file in /sys/block/"$1"/dev /sys/block/"$1"/*/dev /sys/block/"$1"/holders/*/dev \
    /sys/block/"$1"/*/holders/*/dev /sys/block/"$1"/holders/*/holders/*/dev /sys/block/"$1"/*/holders/*/holders/*/dev; do
    [ ! -r "$file" ] || cat "$file"
  done | sort -u
}
# filled DEVICE FROM: whether the MiB that begins at MiB number FROM holds anything but zeros.
filled() { [ -n "$(dd if="$1" bs=1048576 skip="$2" count=1 2>/dev/null | tr -d '\000' | head -c 1 | od -A n -t x1)" ]; }
signatures_of() {
  { wipefs -n -p "$1" 2>/dev/null | sed -n '/^#/!s/.*,//p'
    blkid -p -o export "$1" 2>/dev/null | sed -n 's/^TYPE=//p; s/^PTTYPE=//p'
    case $(dd if="$1" bs=22 count=1 2>/dev/null | tr -d '\000') in 'bluestore block device') echo ceph_bluestore ;; esac
  } | sort -u
}
# The UUID of the OSD that a disk is, as Ceph has written it behind its mark.
label_of() { dd if="$1" bs=60 count=1 2>/dev/null | tr -d '\000' | sed -n '1{/^bluestore block device$/!q;}; 2{s/[^0-9a-f-].*//;p;q;}'; }
# look_at NAME: everything about one disk.
look_at() {
  device=/dev/$1
  bytes=$(($(cat "/sys/block/$1/size") * 512))
  say disk "$1"
  say size "$bytes"
  say rotational "$(told_by "/sys/block/$1/queue/rotational")"
  say read_only "$(told_by "/sys/block/$1/ro")"
  say removable "$(told_by "/sys/block/$1/removable")"
  say model "$(told_by "/sys/block/$1/device/model")"
  serial=$(serial_of "$1")
  say serial "$serial"
  links_to "$device" | while IFS= read -r link; do say by_id "$link"; done
  [ ! -r "$CLAIMS" ] || awk -v serial="$serial" '$2 == serial { print "claimed=" $1 }' "$CLAIMS"
  partitions_of "$1" | while IFS= read -r part; do
    say partition "$part $(blkid -p -o value -s TYPE "/dev/$part" 2>/dev/null || :)"
  done
  for holder in /sys/block/"$1"/holders/* /sys/block/"$1"/*/holders/*; do
    [ ! -e "$holder" ] || say holder "${holder##*/} $(told_by "$holder/dm/name")"
  done
  numbers=$(numbers_of "$1")
  for number in $numbers; do
    awk -v number="$number" '$3 == number { print "mount=" $5 }' /proc/self/mountinfo
  done
  # Some file systems are mounted under a number of their own; their source still names the disk.
  { echo "$1"; partitions_of "$1"; } | while IFS= read -r name; do
    awk -v source="/dev/$name" '{ for (n = 7; n < NF; n++) if ($n == "-" && $(n + 2) == source) print "mount=" $5 }' /proc/self/mountinfo
    awk -v source="/dev/$name" '$1 == source { print "swap=" $1 }' /proc/swaps
  done
  [ "$bytes" -gt 0 ] && [ -r "$device" ] || { say unreadable "$device"; return 0; }
  command -v wipefs >/dev/null 2>&1 || command -v blkid >/dev/null 2>&1 || say unreadable "wipefs and blkid are missing"
  signatures_of "$device" | while IFS= read -r found; do [ -z "$found" ] || say signature "$found"; done
  label=$(label_of "$device")
  [ -z "$label" ] || say label "$label"
  if filled "$device" 0; then say data "first MiB"; fi
  if filled "$device" $((bytes / 1048576 - 1)); then say data "last MiB"; fi
}
# named PATH SERIAL: the name in /sys/block of this very disk. Fails in words where it is another one or none.
named() {
  [ -b "$1" ] || fail "$SANQIAN_HOST has no disk $1." "Look at the disks again: 3kctl deploy install ceph --plan."
  name=$(readlink -f "$1") && name=${name#/dev/}
  [ -d "/sys/block/$name" ] || fail "$1 of $SANQIAN_HOST is no whole disk." "Name the disk, not a part of it."
  [ "$(serial_of "$name")" = "$2" ] ||
    fail "$1 of $SANQIAN_HOST has the serial number '$(serial_of "$name")', not '$2'." "Look at the disks again: 3kctl deploy install ceph --plan."
}
