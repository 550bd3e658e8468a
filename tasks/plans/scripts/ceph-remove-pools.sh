for kind in $KINDS; do
  for one in $(left "$kind"); do
    [ "$FORCE" != yes ] || kubectl annotate "$one" -n "$SPACE" rook.io/force-deletion=true --overwrite
    kubectl delete "$one" -n "$SPACE" --wait=false
  done
done
for class in $CLASSES; do kubectl delete storageclass "$class" --ignore-not-found; done
await_gone "$KINDS"
