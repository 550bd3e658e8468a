left=$(to_wipe) && [ -z "$left" ]
