is_back || {
  helm history "$NAME" -n "$NAMESPACE" || :
  fail "The release $NAME is not at revision $REVISION." "Read the table above; helm status $NAME -n $NAMESPACE tells more. Then retry."
}
