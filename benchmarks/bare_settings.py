"""The service's settings, with the address of the bare view."""

from sanqian_service.settings import *  # noqa: F403 - these are settings

ROOT_URLCONF = "benchmarks.bare_urls"
