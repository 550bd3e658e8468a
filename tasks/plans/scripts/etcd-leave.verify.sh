settled() { [ -z "$(leaving_id)" ] && bad=$(sick) && [ -z "$bad" ]; }
[ "$FORCE" = no ] || settled() { [ -z "$(leaving_id)" ]; }
within "$WAIT" settled || fail "etcd has not settled without $NAME; not in good health: ${bad:-unknown}" "On those hosts: journalctl -u etcd."
etcd_at "$(all_urls)" member list
