"""The Django app of the pages for people besides the admin: templates, static files, translations."""

from __future__ import annotations

from django.apps import AppConfig


class WebConfig(AppConfig):
    name = "tasks.web"
    label = "web"
