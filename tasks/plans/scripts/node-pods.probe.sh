[ -z "$(waiting)" ]
