[ ! -r "$CERTIFICATE" ]
