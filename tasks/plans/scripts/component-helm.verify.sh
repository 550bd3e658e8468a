status=$(release_status)
[ "$status" = deployed ] || {
  helm history "$NAME" -n "$NAMESPACE" || :
  fail "The release $NAME is ${status:-absent}, not deployed." "helm status $NAME -n $NAMESPACE tells more."
}
