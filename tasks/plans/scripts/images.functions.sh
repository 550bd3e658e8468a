# What was pushed, and where: the artifact, and the project as it was made. A registry set up anew has another project.
MARKER=$ARTIFACT/.sanqian-artifact
RECORD=$STATE/images
target() {
  [ -r "$MARKER" ] || return 1
  answer=$(mktemp)
  code=$(ANSWER=$answer && export ANSWER && http GET "/api/v2.0/projects/$PROJECT" 2>/dev/null)
  born=$(tr -d ' \n' <"$answer" | sed -n 's/.*"creation_time":"\{0,1\}\([^",}]*\).*/\1/p')
  rm -f "$answer"
  [ "$code" = 200 ] && [ -n "$born" ] || return 1
  printf '%s %s %s %s\n' "$REGISTRY" "$PROJECT" "$born" "$(cat "$MARKER")"
}
