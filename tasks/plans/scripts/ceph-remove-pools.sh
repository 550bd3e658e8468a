# What a proof of use has left whose host was lost in its middle: no data of anybody's, and it would hold the pools.
for kind in job pvc obc; do
  kubectl delete "$kind" -n "$SPACE" -l sanqian-proof --ignore-not-found --timeout="${WAIT}s" || :
done
served_here=$(classes)
for kind in $KINDS; do
  for one in $(left "$kind"); do
    [ "$FORCE" != yes ] || kubectl annotate "$one" -n "$SPACE" rook.io/force-deletion=true --overwrite
    kubectl delete "$one" -n "$SPACE" --wait=false
  done
done
for class in $served_here; do kubectl delete storageclass "$class" --ignore-not-found; done
await_gone "$KINDS"
