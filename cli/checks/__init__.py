"""What `3kctl doctor` makes of what it has read: findings, each with what to do. Pure."""
