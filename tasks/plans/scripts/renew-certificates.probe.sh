! interrupted renewal && lasting "$((DAYS * 86400))" && answers
