# sound: etcd lists all of MEMBERS, in good health, and nobody but them and MAY, who join later or have on an earlier try.
sound() {
  listed=$(etcd_at "$(all_urls)" member list) || return 1
  peers=$(printf '%s\n' "$listed" | awk -F ', ' 'NF { print $4 }')
  missing=$(printf '%s\n' "$MEMBERS" | while read -r name url; do
    [ -z "$name" ] || printf '%s\n' "$peers" | grep -qxF "${url%:2379}:2380" || printf '%s ' "$name"
  done)
  strangers=$(for peer in $peers; do
    printf '%s\n%s\n' "$MEMBERS" "$MAY" | awk '{ print $2 }' | grep -qxF "${peer%:2380}:2379" || printf '%s ' "$peer"
  done)
  bad=$(sick)
  [ -z "$bad$missing$strangers" ]
}
