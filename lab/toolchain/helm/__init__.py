"""SIMULATED helm: charts, releases, repositories. (Being written by the helm helper, not by the kk helper.)"""
