getent hosts "${REGISTRY%%:*}" >/dev/null || fail "$SANQIAN_HOST cannot resolve $REGISTRY." \
  "Add the registry's address and name to /etc/hosts of every host, or to the DNS they use."
answer() { code=$(http GET /v2/) && [ "$code" != 000 ] && [ "$code" -lt 500 ]; }
within 120 answer || fail "The registry https://$REGISTRY does not answer with a certificate that $CERTIFICATE vouches for (HTTP ${code:-000})." \
  "On the registry host: 'docker ps' shows whether it runs; 'openssl x509 -noout -dates' whether its certificate has expired."
case $code in
  200) printf 'registry %s: name, TLS and login work\n' "$REGISTRY" ;;
  401 | 403) fail "The registry refuses the user $REGISTRY_USER (HTTP $code)." "Give the right login: 3kctl clusters set CLUSTER registry_user=... registry_password=-" ;;
  *) fail "The registry answers HTTP $code." "Look at its log: docker logs nginx; docker logs harbor-core." ;;
esac
