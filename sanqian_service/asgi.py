"""The ASGI application: REST, admin, and server-sent events."""

from __future__ import annotations

import os

from django.conf import settings
from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "sanqian_service.settings")
_django = get_asgi_application()
# What uses Django's models can be imported only now.
from sanqian_service.bounds import Bounded  # noqa: E402

application = Bounded(_django, largest=settings.DATA_UPLOAD_MAX_MEMORY_SIZE, seconds=settings.REQUEST_SECONDS)
