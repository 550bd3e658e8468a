@FACTS@
found=$(traces)
[ -z "$found" ] || fail "$SANQIAN_HOST is not clean: $(printf '%s' "$found" | tr '\n' ';')" "Remove it by hand, or reboot the host for interfaces and rules, then retry."
rm -f "$STATE/cluster"
printf '%s is clean\n' "$SANQIAN_HOST"
