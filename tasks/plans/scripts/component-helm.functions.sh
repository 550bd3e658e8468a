enter
# Further settings, found out on the hosts; lines "key=value".
FOUND=$STATE/components/$NAME.set
settings() { printf '%s\n' "$SETS"; [ ! -r "$FOUND" ] || cat "$FOUND"; }
chart_file() { for file in helm-charts/"$CHART"-[0-9v]*.tgz; do [ ! -e "$file" ] || printf '%s\n' "$file"; done | tail -n 1; }
# The platform's values, then those that an operation has made: the later ones win.
values_files() { for values in $VALUES $MORE_VALUES; do [ ! -r "$values" ] || printf '%s\n' "$values"; done; }
wanted_sum() { { settings; cat $(chart_file) $(values_files) /dev/null; } | sha256sum | cut -d ' ' -f 1; }
release_status() { helm status "$NAME" -n "$NAMESPACE" -o json 2>/dev/null | tr -d ' \n' | sed -n 's/.*"status":"\([a-z-]*\)".*/\1/p'; }
release_revision() { helm status "$NAME" -n "$NAMESPACE" -o json 2>/dev/null | tr -d ' \n' | sed -n 's/.*"version":\([0-9][0-9]*\)[,}].*/\1/p'; }
# helm_with WORDS...: helm, told the values and settings besides.
helm_with() {
  for values in $(values_files); do set -- "$@" -f "$values"; done
  lines=$(settings)
  while IFS= read -r line; do
    [ -z "$line" ] || set -- "$@" --set "$line"
  done <<LINES
$lines
LINES
  helm "$@"
}
