enter
whole "$JOINING" bin/kk add nodes -f "$CONFIG" -a packages/3k.tar.gz --skip-push-images -y
