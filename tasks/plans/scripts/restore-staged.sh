sound || fail "The snapshot that came to $SANQIAN_HOST is not the one that was taken ($(set_to name), SHA-256 $(set_to sha256))." \
  "Nothing was stopped yet. Choose another backup, or take a new one: 3kctl backups."
printf 'SHA-256 %s\n%s\n' "$(set_to sha256)" "$(status_of "$STAGE/snapshot.db")"
