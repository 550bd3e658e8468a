getent hosts "${REGISTRY%%:*}" >/dev/null && [ -r "$CERTIFICATE" ] && [ "$(http GET /v2/ 2>/dev/null)" = 200 ]
