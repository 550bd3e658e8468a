SSL=/etc/ssl/registry/ssl
CERTIFICATE=$SSL/ca.pem
OWN=127.0.0.1:${AT##*:}
