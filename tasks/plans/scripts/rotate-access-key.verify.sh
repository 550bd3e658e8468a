left=$(stale)
[ -z "$left" ] || fail "This does not run with the new access key: $(printf '%s' "$left" | tr '\n' ' ')" "Find out who else changes it, then retry."
