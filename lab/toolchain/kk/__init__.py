"""SIMULATED KubeKey: same arguments, same kinds of lines and files, over SSH like the real one."""
