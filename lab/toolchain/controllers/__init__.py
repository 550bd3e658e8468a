"""SIMULATED kube-controller-manager, kube-scheduler and the operators of the platform: what makes objects come true."""
