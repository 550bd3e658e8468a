coded() { printf %s "$1" | base64 | tr -d '\n'; }
# Compared by the shell itself: the key is in no command's arguments.
stored() {
  [ "$(kubectl get secret "$SECRET" -n "$SPACE" -o 'jsonpath={.data.userID}|{.data.userKey}|{.data.adminID}|{.data.adminKey}' 2>/dev/null)" = \
    "$(coded "$CEPH_USER")|$(coded "$CEPH_KEY")|$(coded "$CEPH_USER")|$(coded "$CEPH_KEY")" ]
}
