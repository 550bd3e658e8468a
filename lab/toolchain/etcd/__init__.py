"""SIMULATED etcd: who is a member, and which members answer. The cluster's data is the API server's own."""
