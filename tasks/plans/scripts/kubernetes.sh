enter
whole creation bin/kk create cluster -f "$CONFIG" -a packages/3k.tar.gz --skip-push-images -y
