present || fail "Objects of $MANIFEST are not in the cluster." "kubectl get -f $ARTIFACT/$MANIFEST names them."
