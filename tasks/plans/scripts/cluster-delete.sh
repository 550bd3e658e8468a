if [ -x "$ARTIFACT/bin/kk" ] && [ -r "$CONFIG" ]; then
  enter
  # What kk leaves on a host, for a mount that is busy or a file that is missing, the host's own cleaning removes and verifies.
  bin/kk delete cluster -f "$CONFIG" -y --all || printf 'kk did not delete all of it (exit code %s): each host is cleaned by itself next\n' "$?"
else
  printf 'kk and its configuration are not in %s any more: each host is cleaned by itself\n' "$ARTIFACT"
fi
