"""SIMULATED kube-apiserver: a small Kubernetes-shaped API over HTTPS, stored in one directory."""
