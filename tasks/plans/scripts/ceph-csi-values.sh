umask 077
mkdir -p "${VALUES%/*}"
printf '%s\n' "$CONTENT" >"$VALUES.new" && mv "$VALUES.new" "$VALUES"
