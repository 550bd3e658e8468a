release() { helm status "$NAME" -n "$SPACE" >/dev/null 2>&1; }
gone() { ! release && ! kubectl get namespace "$SPACE" >/dev/null 2>&1; }
