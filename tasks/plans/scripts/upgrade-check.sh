enter
present=$(running)
[ -n "$present" ] || fail "The API server does not answer on $SANQIAN_HOST." "Heal it first: crictl ps -a --name kube-apiserver."
minor() { printf %s "$1" | sed -n 's/^v[0-9]*\.\([0-9]*\)\..*/\1/p'; }
[ "$(minor "$VERSION")" -le "$(($(minor "$present") + 1))" ] ||
  fail "The cluster runs $present; $VERSION skips a minor version." "Upgrade to v1.$(($(minor "$present") + 1)) first."
[ "$(minor "$VERSION")" -ge "$(minor "$present")" ] || fail "The cluster runs $present, which is newer than $VERSION." "Kubernetes cannot be downgraded."
missing=$(nodes_missing)
[ -z "$missing" ] || fail "These nodes are not Ready: $missing" "An upgrade begins with all nodes Ready: kubectl describe node names the reason."
[ -r packages/3k.tar.gz ] || fail "$ARTIFACT/packages/3k.tar.gz does not exist on $SANQIAN_HOST." "Unpack the artifact that carries $VERSION (deploy push images does), or name its directory."
carried=$(tar -tzf packages/3k.tar.gz | sed -n 's#^.*kube/\(v[0-9.]*\)/.*#\1#p' | sort -u | tr '\n' ' ')
case " $carried" in
  *" $VERSION "*) printf 'from %s to %s; the artifact carries %s\n' "$present" "$VERSION" "$carried" ;;
  *) fail "The artifact in $ARTIFACT does not carry Kubernetes $VERSION; it carries: ${carried:-none}" "Give an artifact that does, or one of these versions." ;;
esac
