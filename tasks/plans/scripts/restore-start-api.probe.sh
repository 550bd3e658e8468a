[ ! -d "$HELD" ] && api
