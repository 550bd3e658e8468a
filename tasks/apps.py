from __future__ import annotations

from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _


class TasksConfig(AppConfig):
    name = "tasks"
    verbose_name = _("Operations")

    def ready(self) -> None:
        from clusters import wording
        from tasks import models, roles

        wording.translate(self)
        wording.know(models.OperationState, models.StepState, models.JobState, models.Outcome)
        post_migrate.connect(roles.after_migrate, sender=self)
