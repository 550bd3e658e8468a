enter
bin/kk init registry -f "$CONFIG" -a packages/3k.tar.gz
