"""SIMULATED kubelet: registers the host as a node and keeps saying that it is alive."""
