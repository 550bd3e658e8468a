"""What runs in pods when somebody looks into one: SIMULATED programs for `kubectl exec`."""
