gone && [ ! -e "${VALUES%/*}" ] && [ ! -e "$STATE/components/$NAME" ]
