# The certificate that the registry shows, and whether it is one that this host trusts.
case $REGISTRY in *:*) AT=$REGISTRY ;; *) AT=$REGISTRY:443 ;; esac
shows() { openssl s_client -connect "$1" -servername "${REGISTRY%%:*}" -CAfile "$CERTIFICATE" -verify_return_error </dev/null 2>/dev/null | openssl x509 -noout -checkend "$((DAYS * 86400))" >/dev/null 2>&1; }
