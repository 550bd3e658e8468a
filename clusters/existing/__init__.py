"""What a Kubernetes that somebody else installed has. Pure, but for `reading`, which asks its API."""
