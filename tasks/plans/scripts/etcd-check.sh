wanted=$(printf '%s\n' "$MEMBERS" | awk 'NF' | wc -l)
sound() {
  listed=$(etcd_at "$(all_urls)" member list) || return 1
  bad=$(sick)
  [ -z "$bad" ] && [ "$(printf '%s\n' "$listed" | awk 'NF' | wc -l)" -eq "$wanted" ]
}
within "$WAIT" sound || {
  etcd_at "$(all_urls)" member list || :
  [ -z "${bad:-}" ] || fail "These members of etcd are not in good health: $bad" "On the host: journalctl -u etcd. The number of members is not changed before all are well."
  fail "etcd does not have the $wanted members that are registered." "Compare the list above with the role group etcd."
}
printf '%s\n' "$listed"
