"""SIMULATED docker: containers are entries in a file, and those that serve files are real HTTP servers."""
