answers() {
  if command -v curl >/dev/null; then curl -s -m 5 -o /dev/null "http://$SOURCE_ADDRESS:8080/"
  else python3 -c 'import sys, urllib.request as u, urllib.error as e
try: u.urlopen(sys.argv[1], timeout=5)
except e.HTTPError: pass' "http://$SOURCE_ADDRESS:8080/" 2>/dev/null
  fi
}
within 60 answers || {
  docker logs --tail 20 apt-source || :
  fail "The package source http://$SOURCE_ADDRESS:8080 does not answer." "Port 8080 of $SANQIAN_HOST may be in use or blocked: ss -ltnp 'sport = 8080'."
}
