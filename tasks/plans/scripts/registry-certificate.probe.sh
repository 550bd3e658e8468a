[ ! -e "$SSL" ] || { [ -z "$(ending)" ] && shows "$OWN"; }
