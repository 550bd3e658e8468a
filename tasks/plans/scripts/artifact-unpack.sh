[ -f "$ARCHIVE" ] || fail "$ARCHIVE is not on $SANQIAN_HOST." "Run the step that brings the artifact first."
wanted=$SHA256
[ -n "$wanted" ] || [ ! -r "$ARCHIVE.sha256" ] || wanted=$(cat "$ARCHIVE.sha256")
progress 5 "checking SHA-256"
found=$(sum_of "$ARCHIVE")
if [ -n "$wanted" ] && [ "$found" != "$wanted" ]; then
  rm -f "$ARCHIVE"
  fail "The artifact on $SANQIAN_HOST has SHA-256 $found, expected $wanted." "Correct the checksum, or retry: it is brought anew."
fi
progress 20 "checking what is in the archive"
look=$(mktemp -d)
lister=
trap '[ -z "$lister" ] || kill "$lister" 2>/dev/null; rm -rf "$look"' EXIT
mkfifo "$look/pipe"
free=$(df -P -k "${ARTIFACT%/*}/" | awk 'NR == 2 { print $4 }')
# A small archive may unpack to more than any disk holds; what is too much is not even listed to its end.
tar -P --numeric-owner -tvf "$ARCHIVE" >"$look/pipe" &
lister=$!
tail=$(awk -v most="$((${free:-0} * 1024))" -v members="$MEMBERS" -v list="$look/list" '
  { size += $3 + 4096; print >list }
  size > most { printf "needs more than the %d MiB that are free", most / 1048576; exit }
  NR > members { printf "has more than %d files", members; exit }' <"$look/pipe")
[ -z "$tail" ] || fail "What is in the archive $tail on $SANQIAN_HOST." "Make room in ${ARTIFACT%/*}, or build the artifact again."
wait "$lister" || { lister=; fail "$ARCHIVE is no readable tar archive." "Build or download the artifact again."; }
lister=
# Without what a link points to, which the next lines look at.
names=$(sed -E -e '/^[lh]/s/ (->|link to) .*//' -e 's/^([^ ]+ +){5}//' "$look/list")
bad=$(printf '%s\n' "$names" | grep -m 1 -E '^/|(^|/)\.\.(/|$)' || :)
[ -z "$bad" ] || fail "The archive names $bad, which lies outside of it." "Do not use this artifact; build it again."
# A link may point out of the archive, and a later member would be written through it.
bad=$(grep -m 1 -E '^[lh].* (->|link to) (/|(.*/)?\.\.(/|$))|^[^lhd-]' "$look/list" || :)
[ -z "$bad" ] || fail "The archive holds a link out of it or a device: $bad" "Do not use this artifact; build it again."
new=$ARTIFACT.new
rm -rf "$new"
mkdir -p "$new"
progress 35 "unpacking"
# No file gets more rights than reading and running, whatever the archive says.
(umask 022 && tar -xf "$ARCHIVE" -C "$new" --no-same-owner --no-same-permissions)
need_layout "$new"
mkdir -p "$ARTIFACT"
rm -f "$MARKER"
# Member by member: what kk keeps beside them (its certificates) stays.
for path in "$new"/* "$new"/.[!.]*; do
  [ -e "$path" ] || continue
  rm -rf "$ARTIFACT/${path##*/}"
  mv "$path" "$ARTIFACT/"
done
rm -rf "$new"
printf '%s %s\n' "$found" "$(stat -c '%s %Y' "$ARCHIVE")" >"$MARKER.new"
mv "$MARKER.new" "$MARKER"
progress 100 "unpacked"
