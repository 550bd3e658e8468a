await_needs
file=$(chart_file)
[ -n "$file" ] || [ "$CHART_SOURCE" = harbor ] || fail "The artifact has no chart $CHART." "Give a complete artifact."
status=$(release_status)
case $status in
  pending-*)
    # A helm that was killed leaves this behind, and every later helm refuses to go on.
    revision=$(release_revision)
    printf 'release %s was left %s at revision %s\n' "$NAME" "$status" "$revision"
    if [ "${revision:-1}" -le 1 ]; then helm uninstall "$NAME" -n "$NAMESPACE" --wait
    else helm rollback "$NAME" -n "$NAMESPACE" --wait
    fi ;;
  uninstalling) helm uninstall "$NAME" -n "$NAMESPACE" --wait || : ;;
esac
if [ "$CHART_SOURCE" = harbor ]; then chart=harbor/$CHART; else chart=$file; fi
sum=$(wanted_sum)
helm_with upgrade --install "$NAME" "$chart" -n "$NAMESPACE" --create-namespace --timeout "${WAIT}s"
remember "$sum"
