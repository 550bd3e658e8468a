enter
if ! helm plugin list | grep -q '^cm-push'; then
  archive=$(ls helm-plugins/helm-push_*.tar.gz 2>/dev/null | tail -n 1)
  [ -n "$archive" ] || fail "The artifact lacks helm-plugins/helm-push_*.tar.gz." "Give a complete artifact."
  directory=$(helm env HELM_PLUGINS)/helm-push
  mkdir -p "$directory"
  tar -xf "$archive" -C "$directory" --no-same-owner
fi
printf %s "$REGISTRY_PASSWORD" | helm repo add harbor "$REPOSITORY" --force-update \
  --username "$REGISTRY_USER" --password-stdin $([ ! -r "$CERTIFICATE" ] || printf %s "--ca-file $CERTIFICATE")
