[ ! -e "$MARK" ] && [ -z "$(ending)" ]
