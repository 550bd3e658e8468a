# Into a directory of the user, because sudo may ask for a password there; root takes it from there.
tar -C "$ARTIFACT/packages" -cf - apt-source |
  ssh -i "$KEY" -p "$PORT" -o BatchMode=yes -o StrictHostKeyChecking=yes -o ConnectTimeout=20 "$USER_AT_HOST" \
    'umask 077; rm -rf .sanqian-apt-source && mkdir .sanqian-apt-source && tar -xf - -C .sanqian-apt-source'
