well() { bad=$(not_well 2>/dev/null) && [ -z "$bad" ]; }
within "$WAIT" well || fail "With the new certificates of $SANQIAN_HOST these members of etcd are not in good health: $bad" \
  "On the host: journalctl -u etcd. What was there before is beside each file as .before. The hosts after it were not touched; mend it and retry."
not_well >/dev/null
ready() { kubectl --server "https://$API_ADDRESS" get --raw /readyz >/dev/null 2>&1; }
[ "$API" = no ] || within "$WAIT" ready || fail "The API server of $SANQIAN_HOST does not answer after $WAIT seconds." \
  "On the host: crictl ps -a --name kube-apiserver, and its log. The hosts after it were not touched."
left=$(ending)
[ -z "$left" ] || fail "These certificates on $SANQIAN_HOST were not renewed: $(printf '%s ' $left)" "Look at the log above, then retry."
rm -f "$MARK"
