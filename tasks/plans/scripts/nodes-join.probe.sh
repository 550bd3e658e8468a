! interrupted "$JOINING" && [ -z "$(nodes_missing)" ] && [ -z "$(etcd_missing)" ]
