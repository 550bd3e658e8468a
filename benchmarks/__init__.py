"""Ratios against peers: the same work in the same run, on the same hosts."""
