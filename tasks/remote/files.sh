# What a host does for a file that is uploaded to $DEST by way of $PART. POSIX sh and coreutils.
# Answers are lines of words: "ok ...", or "error kind path" followed by the text of a program.
fail() { printf 'error %s %s\n%s\n' "$1" "$2" "$3"; exit 70; }

# With LATER set, a sum takes longer than a caller may wait: the answer "ok later stamp path" asks for it, and the
# next call brings it as STAMP and KNOWN, good for the file as it was (inode, size, time of change).
sum_of() {
  if [ -n "$LATER" ]; then
    stamp=$(stat -c %i-%s-%Z "$1")
    [ "$stamp" = "$STAMP" ] || { printf 'ok later %s %s\n' "$stamp" "$1"; exit 0; }
    sum=$KNOWN
    return
  fi
  sum=$(sha256sum <"$1") && sum=${sum%% *}
}
size_of() { size=$(wc -c <"$1") && size=$((size + 0)); }

dress() {
  said=$(chmod "$MODE" "$1" 2>&1) || fail path "$1" "$said"
  [ -z "$OWNER" ] || said=$(chown "$OWNER" "$1" 2>&1) || fail path "$1" "$said"
}

# Ends with "ok same" when the file is there already, else sets have: so many bytes of it have arrived before.
probe() {
  umask 022
  command -v sha256sum >/dev/null || fail missing-tool sha256sum ''
  [ ! -d "$DEST" ] || fail path "$DEST" 'it is a directory'
  if [ -f "$DEST" ] && [ ! -L "$DEST" ]; then
    size_of "$DEST" && [ "$size" = "$TOTAL" ] && sum_of "$DEST" && [ "$sum" = "$SUM" ] && {
      dress "$DEST"
      printf 'ok same\n'
      exit 0
    }
  fi
  said=$(mkdir -p "${DEST%/*}/" 2>&1) || fail path "${DEST%/*}/" "$said"
  have=0
  if [ -f "$PART" ]; then
    size_of "$PART" && [ "$size" -le "$TOTAL" ] && have=$size
  fi
}

# Every byte has its place, so a second sender, or the rest of a broken connection, can only repeat what is there.
receive() {
  umask 077
  said=$(dd of="$PART" bs=262144 oflag=seek_bytes seek="$1" conv=notrunc 2>&1) || {
    rm -f "$PART"
    fail path "$PART" "$said"
  }
}

finish() {
  umask 077
  if [ ! -e "$PART" ]; then
    # Another sender of the same content was first.
    [ -f "$DEST" ] && sum_of "$DEST" && [ "$sum" = "$SUM" ] && { printf 'ok stored\n'; exit 0; }
    fail path "$PART" 'No such file or directory'
  fi
  size_of "$PART"
  [ "$size" -ge "$TOTAL" ] || { printf 'ok partial %s\n' "$size"; exit 0; }
  sum_of "$PART"
  if [ "$sum" != "$SUM" ]; then
    rm -f "$PART"
    printf 'ok differs %s\n' "$sum"
    exit 0
  fi
  dress "$PART"
  # On disk before it has its name: a crash leaves the old file or the new one, never half of it.
  sync "$PART" 2>/dev/null || sync
  said=$(mv -fT "$PART" "$DEST" 2>&1) || fail path "$DEST" "$said"
  printf 'ok stored\n'
}

fetch() {
  [ -e "$DEST" ] || [ -L "$DEST" ] || fail path "$DEST" 'No such file or directory'
  [ ! -d "$DEST" ] || fail path "$DEST" 'it is a directory'
  said=$(head -c 1 "$DEST" 2>&1 >/dev/null) || fail path "$DEST" "$said"
  printf 'ok\n'
  head -c "$LIMIT" "$DEST"
}
