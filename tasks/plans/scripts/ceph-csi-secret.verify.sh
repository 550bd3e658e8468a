stored || fail "The Secret $SPACE/$SECRET does not hold the key of $CEPH_USER." "Find out who else writes it."
