"""What the simulated programs share."""
