[ -f "$ARCHIVE" ] || fail "$ARCHIVE is not on $SANQIAN_HOST." "Run the step that brings the artifact first."
wanted=$SHA256
[ -n "$wanted" ] || [ ! -r "$ARCHIVE.sha256" ] || wanted=$(cat "$ARCHIVE.sha256")
progress 5 "checking SHA-256"
found=$(sum_of "$ARCHIVE")
if [ -n "$wanted" ] && [ "$found" != "$wanted" ]; then
  rm -f "$ARCHIVE"
  fail "The artifact on $SANQIAN_HOST has SHA-256 $found, expected $wanted." "Correct the checksum, or retry: it is brought anew."
fi
progress 20 "checking the names in the archive"
names=$(mktemp)
trap 'rm -f "$names"' EXIT
tar -tf "$ARCHIVE" >"$names" || fail "$ARCHIVE is no readable tar archive." "Build or download the artifact again."
bad=$(grep -m 1 -E '^/|(^|/)\.\.(/|$)' "$names" || :)
[ -z "$bad" ] || fail "The archive names $bad, which lies outside of it." "Do not use this artifact; build it again."
# A link may point out of the archive, and a later member would be written through it.
bad=$(tar -P -tvf "$ARCHIVE" | grep -m 1 -E '^[lh].* (->|link to) (/|(.*/)?\.\.(/|$))|^[bcp]' || :)
[ -z "$bad" ] || fail "The archive holds a link out of it or a device: $bad" "Do not use this artifact; build it again."
new=$ARTIFACT.new
rm -rf "$new"
mkdir -p "$new"
progress 35 "unpacking"
tar -xf "$ARCHIVE" -C "$new" --no-same-owner
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
