code=$(http GET /v2/)
[ "$code" = 200 ] || fail "The registry does not let $SANQIAN_HOST in with the new password (HTTP $code)." \
  "401: find out who else changed it. 000: see whether it runs, and the certificate that $CERTIFICATE vouches for."
printf 'registry %s: %s logs in\n' "$REGISTRY" "$SANQIAN_HOST"
