SSL=/etc/ssl/etcd/ssl
# Made before the first certificate is replaced, and removed when all is well with the new ones.
MARK=$SSL/.renewing
# A member shows a certificate that has ended: nobody talks to it until it has a new one, so it is not waited for.
ended() { shown=$(openssl s_client -connect "${1#https://}" </dev/null 2>/dev/null | openssl x509 2>/dev/null) && ! printf '%s\n' "$shown" | openssl x509 -noout -checkend 0 >/dev/null; }
# not_well: members that are not in good health and show no ended certificate.
not_well() {
  for name in $(sick); do
    url=$(printf '%s\n' "$MEMBERS" | awk -v name="$name" '$1 == name { print $2 }')
    if ended "$url"; then printf '%s shows a certificate that has ended; it comes when it has a new one\n' "$name" >&2; else printf '%s ' "$name"; fi
  done
}
own_ended() { for file in $(leaves) "$SSL/ca.pem"; do holds "$file" 0 || return 0; done; return 1; }
