"""The page of a cluster: how it is now, what was done, what can be started; its settings are below."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.forms import Script
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import URLPattern, path
from django.utils.decorators import method_decorator
from django.utils.translation import gettext, gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from clusters.admin import ClusterAdmin
from clusters.models import Cluster
from tasks import overview, services
from tasks.asker import actor, source
from tasks.models import Operation
from tasks.overview import DESTROYS
from tasks.plan import Plan, PlanError
from tasks.plans import PLANS
from tasks.start_form import StartForm

admin.site.unregister(Cluster)


@admin.register(Cluster)
class ClusterPage(ClusterAdmin):
    inlines: Sequence[Any] = ()  # what they show stands above the settings
    change_form_outer_before_template = "admin/dashboard/cluster.html"

    class Media:
        css = {"all": ["pages/pages.css"]}
        js = [Script("pages/refresh.js", defer=True)]

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        fields = self.get_fields(request, obj)
        known = self.get_readonly_fields(request, obj)
        # Below what the page is about; a form with an error is open by itself.
        shut = {"classes": ["collapse"]}
        return [
            (gettext_lazy("Settings"), {**shut, "fields": [name for name in fields if name not in known]}),
            (gettext_lazy("Details"), {**shut, "fields": [name for name in fields if name in known]}),
        ]

    def get_urls(self) -> list[URLPattern]:
        own, wrap = "clusters_cluster", self.admin_site.admin_view
        return [
            path("<uuid:ident>/part/", wrap(self.part), name=f"{own}_part"),
            path("<uuid:ident>/start/<str:kind>/", wrap(self.start), name=f"{own}_start"),
            *super().get_urls(),
        ]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        cluster = self.get_object(request, object_id)
        extra = {"overview": overview.read(cluster)} if cluster else {}
        return super().change_view(request, object_id, form_url, {**extra, **(extra_context or {})})

    @method_decorator([never_cache, require_safe])
    def part(self, request: HttpRequest, ident: UUID) -> HttpResponse:
        """What changes on the page, to be put there anew."""
        cluster = get_object_or_404(Cluster.objects.defer(*Cluster.SECRETS), pk=ident)
        if not self.has_view_permission(request, cluster):
            raise PermissionDenied
        return render(request, "admin/dashboard/cluster_part.html", {"overview": overview.read(cluster)})

    @method_decorator(require_http_methods(["GET", "HEAD", "POST"]))
    def start(self, request: HttpRequest, ident: UUID, kind: str) -> HttpResponse:
        """Ask for the parameters of an operation, show its steps, start it."""
        cluster = get_object_or_404(Cluster.objects.defer(*Cluster.SECRETS), pk=ident)
        if not (self.has_view_permission(request, cluster) and request.user.has_perm("tasks.add_operation")):
            raise PermissionDenied
        if kind not in PLANS:
            raise Http404
        form = StartForm(PLANS[kind], cluster, request.POST if request.method == "POST" else None)
        made, plan = _asked(request, form) if form.is_bound and form.is_valid() else (None, None)
        if made:
            return redirect("admin:tasks_operation_change", made.pk)
        context = {
            **self.admin_site.each_context(request),
            "title": f"{gettext(PLANS[kind].title)}: {cluster}",
            "cluster": cluster,
            "kind": PLANS[kind],
            "form": form,
            "plan": plan,
            "stages": plan.staged() if plan else [],
            "destroys": kind in DESTROYS,
        }
        return render(request, "admin/dashboard/start.html", context)


def _asked(request: HttpRequest, form: StartForm) -> tuple[Operation | None, Plan | None]:
    """What the pressed button asks for: an operation, or the plan of one; neither where the form says why."""
    kind, params, do = form.plan.kind, form.params(), request.POST.get("do", "preview")
    try:
        if do == "preview":
            return None, services.preview(form.cluster, kind, params)
        if do == "dry-run" or form.sure():
            by, came_from, dry_run = actor(request), source(request), do == "dry-run"
            made = services.request_operation(form.cluster, kind, params, dry_run=dry_run, actor=by, source=came_from)
            return made, None
    except PlanError as error:
        form.blame(error)
    except (services.Busy, services.LimitReached) as error:
        form.add_error(None, str(error))
    return None, None
