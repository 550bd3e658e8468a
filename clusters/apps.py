from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ClustersConfig(AppConfig):
    name = "clusters"
    verbose_name = _("Clusters")

    def ready(self) -> None:
        from clusters import models, wording

        wording.translate(self)
        wording.know(models.ClusterState, models.HealthState, models.HealthEvent.Subject, models.Backup.Store)
