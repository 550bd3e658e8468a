if [ -x "$ARTIFACT/bin/kk" ] && [ -r "$CONFIG" ]; then
  enter
  bin/kk delete cluster -f "$CONFIG" -y --all
else
  printf 'kk and its configuration are not in %s any more: each host is cleaned by itself\n' "$ARTIFACT"
fi
