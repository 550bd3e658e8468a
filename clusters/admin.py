"""What exists, for operators. Secrets are never shown: their fields are not part of any form."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from django.contrib import admin, messages
from django.db.models import Count, QuerySet, URLField
from django.http import HttpRequest
from django.template.defaultfilters import filesizeformat
from django.utils import timezone
from django.utils.html import format_html_join
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.admin import ModelAdmin, StackedInline, TabularInline
from unfold.decorators import display

from clusters import wording
from clusters.ceph import CephState, judge
from clusters.models import (
    AccessKey,
    Backup,
    CephReading,
    Cluster,
    Component,
    Customer,
    HealthEvent,
    Node,
    SSHCredential,
)

HEALTH_LABELS = {
    "healthy": "success",
    "progressing": "info",
    "degraded": "warning",
    "unhealthy": "danger",
    "unknown": "warning",
    "absent": "danger",
}
CLUSTER_LABELS = {
    "registered": "info",
    "installing": "info",
    "ready": "success",
    "degraded": "warning",
    "failed": "danger",
    "uninstalling": "warning",
    "removed": "info",
}


class ReadOnly:
    """Rows that the service writes and people only read."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Sequence[str]:
        # Fields that no form may hold can be shown only so.
        return tuple(getattr(self, "fields", None) or ()) or tuple(getattr(self, "readonly_fields", ()))


@admin.register(Customer)
class CustomerAdmin(ModelAdmin):
    list_display = ("name", "contact", "keys", "created_at")
    search_fields = ("name", "contact")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Customer]:
        return super().get_queryset(request).annotate(keys=Count("access_keys"))

    @display(description=gettext_lazy("access keys"), ordering="keys")
    def keys(self, customer: Any) -> int:
        return int(customer.keys)


@admin.register(AccessKey)
class AccessKeyAdmin(ModelAdmin):
    list_display = ("prefix", "customer", "name", "active", "expires_at", "last_used_at", "clusters_made")
    list_filter = ("active",)
    search_fields = ("prefix", "name", "customer__name")
    list_select_related = ("customer",)
    autocomplete_fields = ("customer",)
    fields = (
        ("customer", "name"),
        ("active", "expires_at"),
        ("max_clusters", "max_hosts", "max_operations"),
        ("prefix", "created_at", "last_used_at"),
    )
    readonly_fields = ("prefix", "created_at", "last_used_at")

    def get_queryset(self, request: HttpRequest) -> QuerySet[AccessKey]:
        return super().get_queryset(request).annotate(clusters_made=Count("clusters"))

    @display(description=gettext_lazy("clusters"), ordering="clusters_made")
    def clusters_made(self, key: Any) -> int:
        return int(key.clusters_made)

    def save_model(self, request: HttpRequest, obj: AccessKey, form: Any, change: bool) -> None:
        if change:
            super().save_model(request, obj, form, change)
            return
        issued, value = AccessKey.objects.issue(
            obj.customer,
            name=obj.name,
            active=obj.active,
            expires_at=obj.expires_at,
            max_clusters=obj.max_clusters,
            max_hosts=obj.max_hosts,
            max_operations=obj.max_operations,
        )
        obj.pk, obj.prefix = issued.pk, issued.prefix
        messages.warning(request, _("The access key, shown this once: %(value)s") % {"value": value})


class NodeInline(ReadOnly, TabularInline):
    model = Node
    fields = ("name", "address", "port", "user", "role_groups", "facts_at")
    extra = 0
    show_change_link = True


class ComponentInline(ReadOnly, TabularInline):
    model = Component
    fields = ("name", "namespace", "chosen", "state", "ready", "desired", "chart_version", "reason", "changed_at")
    extra = 0


class CephPage(ReadOnly):
    """What a page shows of a reading of Ceph, in words."""

    fields = ("health", "what", "advice", "capacity", "osds", "monitors", "groups", "taken_at", "source", "error")

    @display(description=gettext_lazy("why"))
    def what(self, reading: CephReading) -> str:
        return judge(CephState.from_json(reading.state), timezone.now()).reason

    @display(description=gettext_lazy("what to do"))
    def advice(self, reading: CephReading) -> str:
        lines = judge(CephState.from_json(reading.state), timezone.now()).advice
        return format_html_join("", "<p>{}</p>", ((line,) for line in lines))

    def capacity(self, reading: CephReading) -> str:
        state = CephState.from_json(reading.state)
        if not state.total:
            return _("not known")
        used, total, free = map(filesizeformat, (state.used, state.total, state.free))
        share = f"{100 * state.used / state.total:.0f}"
        said = {"used": used, "total": total, "percent": share, "free": free}
        return _("%(used)s of %(total)s (%(percent)s %%), %(free)s free") % said

    @display(description=gettext_lazy("OSDs up and in, by host"))
    def osds(self, reading: CephReading) -> str:
        hosts = CephState.from_json(reading.state).hosts.items()
        return "; ".join(
            f"{host or '–'}: {sum(o.up for o in osds)} up, {sum(o.inside for o in osds)} in, of {len(osds)}"
            for host, osds in hosts
        )

    @display(description=gettext_lazy("monitors in quorum"))
    def monitors(self, reading: CephReading) -> str:
        mons = CephState.from_json(reading.state).mons
        return f"{sum(mon.active for mon in mons)} / {len(mons)}"

    @display(description=gettext_lazy("placement groups"))
    def groups(self, reading: CephReading) -> str:
        states = CephState.from_json(reading.state).groups
        return ", ".join(f"{count} {name}" for name, count in states.items())


class CephInline(CephPage, StackedInline):
    model = CephReading
    extra = 0
    verbose_name_plural = "Ceph"


@admin.register(CephReading)
class CephReadingAdmin(CephPage, ModelAdmin):
    list_display = ("cluster", "state_label", "health", "capacity", "monitors", "taken_at", "source")
    list_filter = ("health", "source")
    search_fields = ("cluster__name",)
    list_select_related = ("cluster",)

    @display(description=gettext_lazy("state"), label=HEALTH_LABELS)
    def state_label(self, reading: CephReading) -> tuple[str, str]:
        state = judge(CephState.from_json(reading.state), timezone.now()).state
        return state, wording.word(state)


@admin.register(Cluster)
class ClusterAdmin(ModelAdmin):
    list_display = ("name", "access_key", "state_label", "hosts", "kubernetes_version", "checked_at", "created_at")
    list_filter = ("state", "kubernetes_version")
    search_fields = ("name", "id", "access_key__customer__name")
    list_select_related = ("access_key__customer",)
    readonly_fields = (
        *("id", "access_key", "state", "state_reason", "cpod_id", "kubernetes_uid", "imported"),
        *("checked_at", "created_at", "updated_at"),
    )
    inlines: Sequence[Any] = (CephInline, NodeInline, ComponentInline)
    # What Django 6.0 does by itself; until then it warns where this is not said.
    formfield_overrides: ClassVar = {URLField: {"assume_scheme": "https"}}

    def get_queryset(self, request: HttpRequest) -> QuerySet[Cluster]:
        return super().get_queryset(request).annotate(hosts=Count("nodes"))

    @display(description=gettext_lazy("state"), ordering="state", label=CLUSTER_LABELS)
    def state_label(self, cluster: Cluster) -> tuple[str, str]:
        return cluster.state, wording.word(cluster.state)

    @display(description=gettext_lazy("hosts"), ordering="hosts")
    def hosts(self, cluster: Any) -> int:
        return int(cluster.hosts)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False  # clusters come with hosts and credentials, through REST

    def has_delete_permission(self, request: HttpRequest, obj: Cluster | None = None) -> bool:
        return False


@admin.register(Node)
class NodeAdmin(ReadOnly, ModelAdmin):
    list_display = ("name", "cluster", "address", "port", "user", "role_groups", "facts_at")
    search_fields = ("name", "address", "cluster__name")
    list_select_related = ("cluster",)
    exclude = ("credential",)


@admin.register(SSHCredential)
class SSHCredentialAdmin(ReadOnly, ModelAdmin):
    list_display = ("id", "cluster", "kind", "created_at")
    fields = ("cluster", "kind", "created_at")
    list_select_related = ("cluster",)

    @display(description=gettext_lazy("kind"))
    def kind(self, credential: SSHCredential) -> str:
        return _("private key") if credential.private_key else _("password")


@admin.register(Component)
class ComponentAdmin(ReadOnly, ModelAdmin):
    list_display = ("name", "cluster", "state_label", "ready", "desired", "chosen", "changed_at")
    list_filter = ("state", "chosen", "name")
    search_fields = ("name", "cluster__name")
    list_select_related = ("cluster",)

    @display(description=gettext_lazy("state"), ordering="state", label=HEALTH_LABELS)
    def state_label(self, component: Component) -> tuple[str, str]:
        return component.state, wording.word(component.state)


@admin.register(HealthEvent)
class HealthEventAdmin(ReadOnly, ModelAdmin):
    list_display = ("at", "cluster", "subject", "name", "old_state", "new_state", "reason")
    list_filter = ("subject", "new_state")
    search_fields = ("name", "cluster__name")
    list_select_related = ("cluster",)


@admin.register(Backup)
class BackupAdmin(ReadOnly, ModelAdmin):
    list_display = ("taken_at", "cluster", "store", "host", "directory", "name", "size", "revision")
    list_filter = ("store",)
    search_fields = ("cluster__name", "host", "name")
    list_select_related = ("cluster",)
