[ ! -e "$ROOK" ] && [ ! -e "$CLAIMS" ]
