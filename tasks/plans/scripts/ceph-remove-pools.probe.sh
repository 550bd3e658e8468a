gone "$KINDS" && served=$(classes) && [ -z "$served" ]
