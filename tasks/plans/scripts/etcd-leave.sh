# Before: a quorum of all must agree. After: those that stay must be a quorum among themselves.
stay=$(printf '%s\n' "$MEMBERS" | awk 'NF' | wc -l)
bad=$(sick)
well=$((stay - $(printf '%s' "$bad" | wc -w)))
if [ "$FORCE" = yes ]; then all=$well; else all=$((well + 1)); fi
[ "$all" -ge $(((stay + 1) / 2 + 1)) ] && [ "$well" -ge $((stay / 2 + 1)) ] ||
  fail "etcd would lose its quorum: of the $stay members that stay, $well are in good health (not: ${bad:-none})." \
    "Bring those members back first: journalctl -u etcd on their hosts."
id=$(leaving_id)
[ -n "$id" ] || { printf '%s is no member of etcd\n' "$NAME"; exit 0; }
etcd_at "$(all_urls)" member remove "$id"
