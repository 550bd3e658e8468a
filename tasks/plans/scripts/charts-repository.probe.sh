helm plugin list 2>/dev/null | grep -q '^cm-push' && helm repo list 2>/dev/null | awk -v url="$REPOSITORY" '$1 == "harbor" && $2 == url { found = 1 } END { exit !found }'
