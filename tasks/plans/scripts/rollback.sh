helm history "$NAME" -n "$NAMESPACE" || fail "There is no release $NAME in the namespace $NAMESPACE." "3kctl components shows what is installed."
helm get manifest "$NAME" -n "$NAMESPACE" --revision "$REVISION" >/dev/null 2>&1 ||
  fail "The release $NAME has no revision $REVISION." "Choose one of the table above."
# What the artifact has is no longer what runs: the next installation, and the look for drift, shall know.
rm -f "$RECORD"
helm rollback "$NAME" "$REVISION" -n "$NAMESPACE" --wait --timeout "${WAIT}s"
