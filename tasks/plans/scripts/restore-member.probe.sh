[ -s "$STAGE/settings" ] && restored
