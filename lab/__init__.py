"""Disposable SSH hosts on one Linux machine, and a SIMULATED toolchain, for the demo and the tests.

`lab.hosts.Lab` runs the hosts, `lab.artifact.build` writes the artifact, `python -m lab` is both on the command line.
"""
