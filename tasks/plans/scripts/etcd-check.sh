within "$WAIT" sound || {
  etcd_at "$(all_urls)" member list || :
  [ -z "${bad:-}" ] || fail "These members of etcd are not in good health: $bad" "On the host: journalctl -u etcd. The number of members is not changed before all are well."
  [ -z "${missing:-}" ] || fail "These hosts are registered for etcd and no members: $missing" "Let them join, or take them out of the role group etcd."
  fail "etcd has members that are not registered: ${strangers:-it does not answer}" "Register them, or remove them: etcdctl member remove ID."
}
printf '%s\n' "$listed"
