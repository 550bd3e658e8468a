"""The Django app of the pages for people besides the admin: templates, static files, translations."""

from __future__ import annotations

import json
from typing import Any

from django.apps import AppConfig
from django.utils.html import format_html
from django.utils.safestring import SafeString


class WebConfig(AppConfig):
    name = "tasks.web"
    label = "web"

    def ready(self) -> None:
        from unfold import fields

        fields.prettify_json = plain_json


def plain_json(data: Any, encoder: Any) -> SafeString:
    """A JSON field in the admin. Unfold's own way writes styles into the page, which its policy forbids."""
    text = json.dumps(data, sort_keys=True, indent=2, ensure_ascii=False, cls=encoder)
    return format_html('<pre class="font-mono overflow-x-auto text-xs">{}</pre>', text)
