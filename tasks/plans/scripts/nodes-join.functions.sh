# The steps of one operation share a configuration; there may be more names than a file's name can hold.
JOINING=joining-$(printf '%s|%s' "$NODES" "$ETCD" | cksum | tr ' ' -)
# etcd_missing: hosts of ETCD that etcd does not list by the name that kk gives them.
etcd_missing() {
  [ -n "$ETCD" ] || return 0
  listed=$(etcd_at "$(all_urls)" member list 2>/dev/null) || listed=
  for member in $ETCD; do
    printf '%s\n' "$listed" | awk -F ', ' -v name="etcd-$member" '$2 == "started" && $3 == name { found = 1 } END { exit !found }' ||
      printf '%s ' "$member"
  done
}
