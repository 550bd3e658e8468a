#!/usr/bin/env python
"""Django's management command, with the service's settings."""

from __future__ import annotations

import os
import sys

from django.core.management import execute_from_command_line

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "sanqian_service.settings")
    if sys.argv[1:2] == ["generate_secrets"]:  # it makes what the settings ask for
        os.environ.setdefault("SANQIAN_DEBUG", "1")
    execute_from_command_line(sys.argv)
