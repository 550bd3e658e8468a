within "$WAIT" shows "$AT" || fail "$SANQIAN_HOST does not trust the certificate that $REGISTRY shows." \
  "openssl s_client -connect $AT -CAfile $CERTIFICATE says why."
case " $SANQIAN_ROLES " in
  *" registry "*)
    within "$WAIT" shows "127.0.0.1:${AT##*:}" || fail "The registry on $SANQIAN_HOST shows a certificate that the hosts do not trust." \
      "All registry hosts need one authority: compare /etc/ssl/registry/ssl/ca.pem on them, and $CERTIFICATE." ;;
esac
command -v crictl >/dev/null || { printf 'no crictl here: the certificate was checked, no image was pulled\n'; exit 0; }
image=$(crictl images 2>/dev/null | awk -v own="$REGISTRY/" 'index($1, own) == 1 && $2 != "<none>" { print $1 ":" $2; exit }')
[ -n "$image" ] || { printf 'no image of %s here: the certificate was checked, no image was pulled\n' "$REGISTRY"; exit 0; }
crictl pull "$image" || fail "$SANQIAN_HOST cannot pull $image any more." "Read the message above; compare $CERTIFICATE with /etc/ssl/registry/ssl/ca.pem of the registry's host."
