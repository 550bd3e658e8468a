# http METHOD PATH [BODY]: asks the registry as its administrator, prints the status code (000: no answer).
# Neither login nor body is an argument of a process: the body may hold secrets, too.
# The answer's body goes to the file ANSWER, where that is set.
http() {
  if command -v curl >/dev/null 2>&1; then
    set -- "$1" "https://$REGISTRY$2" "${3:-}"
    {
      printf 'user = "%s"\n' "$(printf '%s:%s' "$REGISTRY_USER" "$REGISTRY_PASSWORD" | sed 's/[\\"]/\\&/g')"
      [ -z "$3" ] || printf 'data = "%s"\n' "$(printf %s "$3" | sed 's/[\\"]/\\&/g')"
    } |
      curl -sS -K - $([ ! -r "$CERTIFICATE" ] || printf %s "--cacert $CERTIFICATE") -m 20 -X "$1" \
        -H 'Content-Type: application/json' -o "${ANSWER:-/dev/null}" -w '%{http_code}' "$2" || :
  else
    HTTP_BODY=${3:-} python3 - "$1" "$2" <<'PYTHON'
import base64, os, ssl, sys, urllib.error, urllib.request
method, path, body = *sys.argv[1:], os.environ["HTTP_BODY"]
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
