# A pod of the driver's own image, which has Ceph's client, asks the monitors with the key, before the driver is there.
POD=sanqian-ceph-identity
image() {
  set -- template "$NAME" "$(chart_file)" -n "$NAMESPACE"
  for values in $(values_files); do set -- "$@" -f "$values"; done
  helm "$@" 2>/dev/null | sed -n 's/^[ -]*image: *//p' | tr -d "\"'" | grep '/cephcsi[:@]' | head -n 1
}
remove() { kubectl delete pod "$POD" -n "$SPACE" --ignore-not-found --grace-period=1 --wait --timeout=60s >/dev/null 2>&1 || :; }
runs() { [ "$(kubectl get pod "$POD" -n "$SPACE" -o 'jsonpath={.status.containerStatuses[0].ready}')" = true ]; }
errors=$(mktemp)
ceph() {
  timeout 60 kubectl exec -n "$SPACE" "$POD" -- ceph --connect-timeout 20 -m "$MONITORS" --id "$CEPH_USER" \
    --keyfile /keys/adminKey "$@" 2>"$errors" </dev/null
}
why() { grep -v '^command terminated' "$errors" | tail -n 3 | tr '\n' ' '; }
image=$(image) || image=
[ -n "$image" ] || {
  printf 'The chart tells no image of the driver: only the proof of use will show whether the key is right.\n'
  rm -f "$errors"
  exit 0
}
remove
trap 'rm -f "$errors"; remove' EXIT
kubectl apply -f - <<MANIFEST
apiVersion: v1
kind: Pod
metadata: {name: $POD, namespace: $SPACE, labels: {app: $POD}}
spec:
  restartPolicy: Always
  terminationGracePeriodSeconds: 1
  volumes: [{name: keys, secret: {secretName: $SECRET}}]
  containers:
  - name: ceph
    image: $image
    command: [sleep, "3600"]
    volumeMounts: [{name: keys, mountPath: /keys, readOnly: true}]
MANIFEST
within "$WAIT" runs || {
  kubectl describe pod "$POD" -n "$SPACE" | tail -n 15 || :
  fail "A pod of $image does not run after $WAIT seconds." "Read its events above: most often the registry lacks the image."
}
progress 50 "asking the monitors"
fsid=$(ceph fsid) || case $(why) in
  *'executable file not found'*)
    printf '%s has no client of Ceph: only the proof of use will show whether the key is right.\n' "$image"
    exit 0 ;;
  *[Pp]'ermission denied'* | *'not permitted'* | *'errno 13'* | *'errno 1]'* | *'nvalid argument'*)
    fail "The monitors do not take the key of $CEPH_USER: $(why)" "Compare it with \`ceph auth get client.$CEPH_USER\`, store the right one (the cluster's setting ceph_key), then retry. The user needs mon 'allow r'." ;;
  *) fail "The monitors ($MONITORS) do not answer a pod: $(why)" "The hosts reach them. Look at the way from the pod network: policies, masquerading, and the monitors' own firewall." ;;
esac
[ "$fsid" = "$FSID" ] || fail "These monitors are of the Ceph cluster $fsid, not of $FSID." "Give the cluster_id and the monitors of one cluster."
printf 'the monitors are of %s and take the key of %s\n' "$fsid" "$CEPH_USER"
if systems=$(ceph fs ls -f json); then
  flat=$(printf %s "$systems" | tr -d ' \n' | sed 's/},{/}\n{/g')
  ours=$(printf '%s\n' "$flat" | grep -F "\"name\":\"$FILESYSTEM\"" || :)
  [ -n "$ours" ] || fail "Ceph has no file system $FILESYSTEM that $CEPH_USER may see: $systems" "Give the name as \`ceph fs ls\` lists it."
  [ -z "$POOL" ] || printf '%s\n' "$ours" | sed 's/.*"data_pools"://' | grep -q -F "\"$POOL\"" ||
    fail "$POOL is no data pool of the file system $FILESYSTEM: $ours" "Choose one that is, or leave pool out."
else
  printf 'the file systems cannot be listed, so the proof of use will tell whether %s is there: %s\n' "$FILESYSTEM" "$(why)"
fi
