enter
present() { kubectl get -f "$MANIFEST" >/dev/null 2>&1; }
