# layout DIRECTORY: what is missing of an artifact, one path a line.
layout() {
  for part in bin/kk bin/helm conf packages helm-charts deploy/values deploy/yaml_apps; do
    [ -e "$1/$part" ] || printf '%s\n' "$part"
  done
  [ ! -e "$1/bin/kk" ] || [ -x "$1/bin/kk" ] || printf 'bin/kk (not executable)\n'
}
need_layout() {
  missing=$(layout "$1" | tr '\n' ' ')
  [ -z "$missing" ] || fail "The artifact in $1 lacks: $missing" \
    "Give an offline artifact of the platform with bin, conf, packages, helm-charts and deploy at its top."
}
# The marker holds: SHA-256 of the archive, its size and its time of modification.
MARKER=$ARTIFACT/.sanqian-artifact
marked_sum() { [ -r "$MARKER" ] && cut -d ' ' -f 1 "$MARKER"; }
