missing=$(charts_missing)
[ -z "$missing" ] || fail "The repository does not list: $(printf '%s ' $missing)" "Look at the registry's chart repository log; then retry."
