# Nothing to do where the repository was not added. Where it was, helm keeps its password in a file; a project that
# everybody may read answers to the wrong one, too. How it is written there is helm's own: one that is not found as it
# is given is given again.
helm repo list 2>/dev/null | awk -v url="$REPOSITORY" '$1 == "harbor" && $2 == url { found = 1 } END { exit !found }' || exit 0
printf '%s\n' "$REGISTRY_PASSWORD" | grep -qFf - "$(helm env HELM_REPOSITORY_CONFIG)" 2>/dev/null && helm repo update harbor >/dev/null 2>&1
