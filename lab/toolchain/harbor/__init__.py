"""SIMULATED Harbor: projects, the OCI distribution API and a chart repository over HTTPS."""
