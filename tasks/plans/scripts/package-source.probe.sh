[ -n "$(docker ps --filter name=apt-source --filter status=running -q 2>/dev/null)" ]
