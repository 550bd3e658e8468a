# Every script of the plans begins with this. ARTIFACT is the unpacked artifact's directory.
PATH=$ARTIFACT/bin:/usr/local/bin:$PATH
KUBECONFIG=/etc/kubernetes/admin.conf
export PATH KUBECONFIG
fail() {
  printf 'error: %s\n' "$1" >&2
  [ -z "${2:-}" ] || printf 'Fix: %s\n' "$2" >&2
  exit 1
}
progress() { printf '::progress %s %s\n' "$1" "$2"; }
enter() { cd "$ARTIFACT" || fail "$ARTIFACT does not exist." "Run the phase artifact first."; }
# within SECONDS COMMAND...: repeat the command until it succeeds or the time is over.
within() {
  until_then=$(($(date +%s) + $1))
  shift
  until "$@"; do
    [ "$(date +%s)" -lt "$until_then" ] || return 1
    sleep 2
  done
}
sum_of() { sha256sum "$@" | cut -d ' ' -f 1; }
