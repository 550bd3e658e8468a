# kk goes on after what a probe sees is true: behind the certificates come kubeconfigs, behind the nodes their helpers.
# whole NAME COMMAND...: until the command has succeeded, `interrupted NAME` holds, and so no probe should.
whole() {
  mark=$CONFIG.interrupted-$1
  shift
  : >"$mark"
  "$@"
  rm -f "$mark"
}
interrupted() { [ -e "$CONFIG.interrupted-$1" ]; }
