if [ "$FORCE" = yes ] || [ ! -x "$ARTIFACT/bin/kk" ]; then
  # kk would want to log in to the host; the cluster forgets it without.
  kubectl delete node "$NODE" --ignore-not-found
else
  enter
  bin/kk delete node "$NODE" -f "$CONFIG" -y
fi
