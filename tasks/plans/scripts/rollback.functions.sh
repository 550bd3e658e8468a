newest() { helm history "$NAME" -n "$NAMESPACE" --max 1 -o json 2>/dev/null | tr -d '\n'; }
# Rolling back makes a new revision that says where it comes from; without that a retry would go back and forth.
is_back() {
  case $(newest) in
    *'"deployed"'*"\"Rollback to $REVISION\""*) return 0 ;;
    *"\"revision\":$REVISION,"*'"deployed"'*) return 0 ;;
  esac
  return 1
}
