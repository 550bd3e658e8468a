[ ! -e "$ROOK" ] && [ ! -e "$CLAIMS" ] || fail "$SANQIAN_HOST still has $ROOK or $CLAIMS." "Find out what makes them anew."
