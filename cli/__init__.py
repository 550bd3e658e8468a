"""`3kctl`: a client of the service's REST API. It imports nothing of the service itself."""
