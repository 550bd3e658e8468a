[ ! -e "$SSL" ] || within "$WAIT" shows "$OWN" || fail "The registry on $SANQIAN_HOST does not show its new certificate after $WAIT seconds." \
  "'docker ps' shows whether nginx runs, 'docker logs nginx' why not. What was there before is beside each file as .before."
