missing=$(charts_missing) && [ -z "$missing" ]
