"""SIMULATED programs: KubeKey, Helm, Harbor, kubelet and a Kubernetes-shaped API.

They take the arguments of the real programs, leave the same files behind and fail in the same ways, and they say
``SIMULATED`` in their output. Python 3.11 standard library only; `lab.artifact` packs them into one executable archive.
"""
