# Not waited for here: a member is up only when others are.
systemctl start --no-block etcd
own=$(printf '%s\n' "$MEMBERS" | awk -v name="$SANQIAN_HOST" '$1 == name { print $2 }')
well() { etcd_at "$own" endpoint health >/dev/null 2>&1; }
within "$WAIT" well || fail "etcd on $SANQIAN_HOST is not in good health $WAIT seconds after its start." \
  "On the host: journalctl -u etcd. Then retry; its data of before lie beside the new ones."
