[ -z "$(unlabelled)" ]
