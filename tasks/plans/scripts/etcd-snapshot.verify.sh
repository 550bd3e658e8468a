cd "$DIRECTORY"
newest=$(ls | grep '^etcd-[0-9TZ]*\.db$' | tail -n 1)
[ -n "$newest" ] && sha256sum -c "$newest.sha256" && status_of "$newest" >/dev/null ||
  fail "The snapshot ${newest:-} in $DIRECTORY on $SANQIAN_HOST does not read back as it was written." "Check the disk; older snapshots were kept."
ls | grep '^etcd-[0-9TZ]*\.db$' | head -n "-$KEEP" | while IFS= read -r old; do
  printf 'deleting %s: more than %s are kept\n' "$old" "$KEEP"
  rm -f "$old" "$old.sha256" "$old.json"
done
