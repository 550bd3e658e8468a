@FACTS@
[ -z "$(owner)" ] && [ -z "$(traces)" ]
