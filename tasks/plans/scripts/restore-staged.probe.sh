[ -s "$STAGE/settings" ]
restored || sound
