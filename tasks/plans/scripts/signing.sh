# Certificates as kk lays them out in the directory SSL: NAME.pem with NAME-key.pem, and their authority, ca.pem and
# ca-key.pem. New ones keep key, name and alternative names of those before, so that whatever trusts one trusts the other
# and no key travels.
LONGEST=3650
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
# holds FILE [DAYS]: whether it lasts for so many days.
holds() { openssl x509 -noout -checkend "$((${2:-$DAYS} * 86400))" -in "$1" >/dev/null 2>&1; }
leaves() {
  for file in "$SSL"/*.pem; do
    case $file in *-key.pem | */ca.pem) continue ;; esac
    [ ! -r "${file%.pem}-key.pem" ] || printf '%s\n' "$file"
  done
}
# ending: which of them end too soon.
ending() {
  [ ! -r "$SSL/ca.pem" ] || holds "$SSL/ca.pem" || printf '%s\n' "$SSL/ca.pem"
  leaves | while read -r file; do holds "$file" || printf '%s\n' "$file"; done
}
days_left() { echo $((($(date -d "$(openssl x509 -noout -enddate -in "$1" | cut -d = -f 2)" +%s) - $(date +%s)) / 86400)); }
serial() { printf '0x4%s' "$(openssl rand -hex 15)"; }
# replace FILE NEW: with the owner and mode of what was there, which is kept beside it.
replace() {
  cp -p "$1" "$1.before"
  cat "$2" >"$1.new"
  chmod --reference="$1" "$1.new"
  chown --reference="$1" "$1.new"
  mv "$1.new" "$1"
  printf 'renewed %s: %s\n' "$1" "$(openssl x509 -noout -enddate -in "$1")"
}
sign_authority() {
  openssl x509 -in "$SSL/ca.pem" -signkey "$SSL/ca-key.pem" -days "$LONGEST" -sha256 -set_serial "$(serial)" -out "$scratch/ca"
  replace "$SSL/ca.pem" "$scratch/ca"
}
sign_leaf() {
  names=$(openssl x509 -noout -text -in "$1" | sed -n '/Subject Alternative Name/{n;s/^ *//;s/IP Address:/IP:/g;p;}')
  openssl x509 -x509toreq -in "$1" -signkey "${1%.pem}-key.pem" -out "$scratch/request" >/dev/null
  {
    printf 'basicConstraints=CA:FALSE\nkeyUsage=critical,digitalSignature,keyEncipherment\nextendedKeyUsage=serverAuth,clientAuth\n'
    [ -z "$names" ] || printf 'subjectAltName=%s\n' "$names"
  } >"$scratch/extensions"
  left=$(days_left "$SSL/ca.pem")
  openssl x509 -req -in "$scratch/request" -CA "$SSL/ca.pem" -CAkey "$SSL/ca-key.pem" -set_serial "$(serial)" -sha256 \
    -days "$((left < LONGEST ? left : LONGEST))" -extfile "$scratch/extensions" -out "$scratch/leaf" 2>/dev/null
  openssl verify -CAfile "$SSL/ca.pem" "$scratch/leaf" >/dev/null ||
    fail "The new certificate for $1 on $SANQIAN_HOST is not one of $SSL/ca.pem." "Is ca-key.pem the key of ca.pem? Nothing was replaced."
  replace "$1" "$scratch/leaf"
}
sign_ending() {
  [ -r "$SSL/ca-key.pem" ] || fail "$SSL/ca-key.pem does not exist on $SANQIAN_HOST, so nothing can be signed." \
    "Copy it from the host where kk made it (kubekey/pki below its directory), readable by root alone; then retry."
  [ ! -r "$SSL/ca.pem" ] || holds "$SSL/ca.pem" || sign_authority
  for file in $(leaves); do holds "$file" || sign_leaf "$file"; done
}
