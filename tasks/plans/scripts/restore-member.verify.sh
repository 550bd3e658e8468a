restored || fail "$data on $SANQIAN_HOST does not hold the restored data." "Look at what lies there, then retry."
printf 'restored %s; the data of before are %s\n' "$data" "$(aside)"
