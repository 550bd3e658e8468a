"""SIMULATED helm: charts, releases, repositories and the push plugin, against the lab's API and Harbor."""
