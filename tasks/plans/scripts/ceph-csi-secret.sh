[ -n "$CEPH_KEY" ] || fail "The key of $CEPH_USER is not stored any more." "Store it (the cluster's setting ceph_key), then retry."
kubectl get namespace "$SPACE" >/dev/null 2>&1 || kubectl create namespace "$SPACE" || kubectl get namespace "$SPACE"
user=$(coded "$CEPH_USER") key=$(coded "$CEPH_KEY")
# Applied by the server: kubectl's own way keeps a copy of the key in an annotation. Which of the two names the driver
# reads differs between its releases.
kubectl apply --server-side --force-conflicts -f - <<MANIFEST
apiVersion: v1
kind: Secret
metadata: {name: $SECRET, namespace: $SPACE}
data: {userID: "$user", userKey: "$key", adminID: "$user", adminKey: "$key"}
MANIFEST
