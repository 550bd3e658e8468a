# An imported cluster may have FORMER_IDS, under which it has given disks.
IDS=" $CLUSTER_ID ${FORMER_IDS:-} "
# blank_or_ours REPORT: whether a disk's report (look_at) shows nothing on it, or what this cluster's Ceph put there.
blank_or_ours() {
  ! printf '%s\n' "$1" | grep -q -E '^(partition|mount|swap|unreadable)=|^read_only=1' || return 1
  case $(printf '%s\n' "$1" | sed -n 's/^signature=//p' | sort -u) in
    '') ! printf '%s\n' "$1" | grep -q -E '^(data|holder)=' ;;
    ceph_bluestore) printf '%s\n' "$1" | awk -v ids="$IDS" '/^claimed=/ && index(ids, " " substr($0, 9) " ") { ours = 1 } END { exit !ours }' ;;
    *) return 1 ;;
  esac
}
carried() { printf '%s\n' "$1" | sed -n -E '/^(partition|signature|mount|swap|holder|data|unreadable)=/p' | tr '\n' ' '; }
# claimed_disks: the disks that Ceph is given on this host, lines "serial path".
claimed_disks() { [ ! -r "$CLAIMS" ] || awk -v ids="$IDS" 'index(ids, " " $1 " ") { print $2, $3 }' "$CLAIMS"; }
