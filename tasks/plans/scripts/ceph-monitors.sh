# Lines "address port how" for each of MONITORS (lines "address port"): ceph, where it greets as Ceph does; other, where
# something else is; closed; silent.
PATH=/usr/local/bin:$PATH
command -v bash >/dev/null || { echo "bash is missing" >&2; exit 127; }
reach() {
  code=0
  timeout 8 bash -c 'exec 3<>"/dev/tcp/$0/$1" || exit 3
    IFS= read -r -t 4 -n 6 greeting <&3 || :
    [ "$greeting" = "ceph v" ] || exit 4' "$1" "$2" 2>/dev/null || code=$?
  case $code in 0) how=ceph ;; 3) how=closed ;; 4) how=other ;; *) how=silent ;; esac
  printf '%s %s %s\n' "$1" "$2" "$how"
}
while read -r address port; do reach "$address" "$port" & done <<LIST
$MONITORS
LIST
wait
