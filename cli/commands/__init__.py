"""The verbs, one family a module."""
