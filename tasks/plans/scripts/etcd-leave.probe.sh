listed=$(etcd_at "$(all_urls)" member list) && ! printf '%s\n' "$listed" | grep -qF ", $PEER,"
