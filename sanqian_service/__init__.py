"""The Django project: how the parts are wired."""

from sanqian_service.celery import app as celery_app

__all__ = ("celery_app",)
