api() { kubectl --server "https://127.0.0.1:$PORT" --request-timeout=10s get --raw /readyz >/dev/null 2>&1; }
