[ "$(dns_nodes)" -ge 2 ]
