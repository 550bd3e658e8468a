[ -z "$(stale)" ]
