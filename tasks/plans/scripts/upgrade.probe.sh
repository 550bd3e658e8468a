[ "$(running)" = "$VERSION" ] && [ -z "$(others)" ] && [ -z "$(nodes_missing)" ]
