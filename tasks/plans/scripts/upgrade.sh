enter
bin/kk upgrade -f "$CONFIG" -a packages/3k.tar.gz --with-kubernetes "$VERSION" -y
