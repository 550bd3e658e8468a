sources() {
  [ -r "$ARTIFACT/packages/sources.list" ] || fail "The artifact lacks packages/sources.list." "Give a complete artifact."
  sed "s/master_ip/$SOURCE_ADDRESS/g" "$ARTIFACT/packages/sources.list"
}
