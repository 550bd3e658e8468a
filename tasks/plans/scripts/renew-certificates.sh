enter
[ -x bin/kk ] || fail "$ARTIFACT/bin/kk does not exist on $SANQIAN_HOST." "Run the install phase artifact, or name the unpacked artifact: artifact={\"path\": \"/DIR\"}."
whole renewal bin/kk certs renew -f "$CONFIG"
