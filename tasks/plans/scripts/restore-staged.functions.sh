sound() { [ "$(sum_of "$STAGE/snapshot.db")" = "$(set_to sha256)" ] && status_of "$STAGE/snapshot.db" >/dev/null; }
