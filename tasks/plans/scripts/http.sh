# http METHOD PATH [BODY]: asks the registry as its administrator, prints the status code (000: no answer).
# The answer's body goes to the file ANSWER, where that is set.
http() {
  if command -v curl >/dev/null 2>&1; then
    set -- "$1" "https://$REGISTRY$2" "${3:-}"
    printf 'user = "%s"\n' "$(printf '%s:%s' "$REGISTRY_USER" "$REGISTRY_PASSWORD" | sed 's/[\\"]/\\&/g')" |
      curl -sS -K - $([ ! -r "$CERTIFICATE" ] || printf %s "--cacert $CERTIFICATE") -m 20 -X "$1" \
        -H 'Content-Type: application/json' ${3:+--data "$3"} -o "${ANSWER:-/dev/null}" -w '%{http_code}' "$2" || :
  else
    python3 - "$@" <<'PYTHON'
import base64, os, ssl, sys, urllib.error, urllib.request
method, path, body = (sys.argv[1:] + [""])[:3]
ca = os.environ["CERTIFICATE"]
user = os.environ["REGISTRY_USER"] + ":" + os.environ["REGISTRY_PASSWORD"]
request = urllib.request.Request("https://" + os.environ["REGISTRY"] + path, body.encode() or None, method=method)
request.add_header("Content-Type", "application/json")
request.add_header("Authorization", "Basic " + base64.b64encode(user.encode()).decode())
try:
    context = ssl.create_default_context(cafile=ca if os.path.exists(ca) else None)
    with urllib.request.urlopen(request, timeout=20, context=context) as answer, \
            open(os.environ.get("ANSWER", os.devnull), "wb") as file:
        file.write(answer.read())
        print(answer.status)
except urllib.error.HTTPError as error:
    print(error.code)
except OSError as error:
    print(error, file=sys.stderr)
    print("000")
PYTHON
  fi
}
