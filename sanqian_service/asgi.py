"""The ASGI application: REST, admin, and server-sent events."""

from __future__ import annotations

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "sanqian_service.settings")
get_asgi_application()  # sets Django up, which the next import needs

from sanqian_service.shortcut import Application  # noqa: E402

application = Application()
