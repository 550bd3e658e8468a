"""The ASGI application: REST, admin, and server-sent events."""

from __future__ import annotations

import os

from django.conf import settings
from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "sanqian_service.settings")
get_asgi_application()  # sets Django up, which the next imports need

from sanqian_service.bounds import Bounded  # noqa: E402
from sanqian_service.shortcut import Application  # noqa: E402

application = Bounded(Application(), largest=settings.DATA_UPLOAD_MAX_MEMORY_SIZE, seconds=settings.REQUEST_SECONDS)
