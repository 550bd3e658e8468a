"""What is done, for operators: every operation with its steps, its log, and the buttons to stop or resume it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.forms import Script
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import URLPattern, path, reverse
from django.utils.decorators import method_decorator
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods
from unfold.admin import ModelAdmin, TabularInline
from unfold.decorators import display

from clusters import wording
from clusters.admin import ReadOnly
from tasks import cluster_page, services, users_page
from tasks.asker import actor, source
from tasks.models import AuditEvent, HostJob, Operation, Step, StepState
from tasks.plan import PlanError
from tasks.plans import PLANS
from tasks.web.live import Addresses
from tasks.web.staff import live
from tasks.webhooks import admin as webhooks  # noqa: F401 - it registers its pages

__all__ = ["cluster_page", "users_page"]  # pages of their own, which register themselves
ASKING = ["GET", "HEAD", "POST"]
STATE_LABELS = {
    "queued": "info",
    "pending": "info",
    "ready": "info",
    "running": "warning",
    "cancelling": "warning",
    "succeeded": "success",
    "skipped": "success",
    "failed": "danger",
    "lost": "danger",
    "cancelled": "info",
}


class StartForm(forms.ModelForm):
    """What REST takes, checked the same way: what makes no plan is said at its field."""

    kind = forms.ChoiceField(
        choices=lambda: [(one.kind, f"{one.kind}: {_(one.title)}") for one in PLANS.values()],
        label=gettext_lazy("kind"),
    )
    params = forms.JSONField(
        required=False,
        initial=dict,
        label=gettext_lazy("params"),
        help_text=gettext_lazy(
            "JSON, as POST clusters/{id}/operations takes it. No secrets: 3kctl rotate takes those."
        ),
    )

    class Meta:
        model = Operation
        fields = ("cluster", "kind", "params", "dry_run")
        help_texts = {"dry_run": gettext_lazy("Only look: say what would change.")}

    def clean(self) -> dict[str, Any]:
        given = {**(super().clean() or {})}
        given["params"] = given.get("params") or {}
        if "cluster" in given and "kind" in given:
            try:
                services.preview(given["cluster"], given["kind"], given["params"])
            except PlanError as error:
                if error.field.startswith("secrets."):
                    # The page that says so does not repeat it.
                    self.data = {**{name: self.data[name] for name in self.data}, "params": ""}
                self.add_error("params", f"{error.field}: {error} {error.fix}".removeprefix(": "))
        return given


@admin.register(Operation)
class OperationAdmin(ReadOnly, ModelAdmin):
    list_display = ("created_at", "kind", "cluster", "state_label", "bar", "attempt", "requested_by", "finished_at")
    list_filter = ("state", "kind", "dry_run")
    search_fields = ("id", "cluster__name", "requested_by")
    list_select_related = ("cluster",)
    # What the live part shows of it, and what only the engine reads.
    exclude = ("state", "attempt", "error", "notes", "progress", "event_seq", "sent_at", "cluster_states")
    change_form_outer_before_template = "admin/dashboard/operation.html"

    class Media:
        css = {"all": ["live/operation.css", "pages/pages.css"]}
        js = [Script("live/operation.js", type="module")]

    def get_urls(self) -> list[URLPattern]:
        own, wrap = "tasks_operation", self.admin_site.admin_view
        asking = [
            path("<uuid:ident>/cancel/", wrap(self.cancel), name=f"{own}_cancel"),
            path("<uuid:ident>/retry/", wrap(self.retry), name=f"{own}_retry"),
            path("<uuid:ident>/skip/", wrap(self.skip), name=f"{own}_skip"),
        ]
        return [*asking, *super().get_urls()]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        operation = self.get_object(request, object_id)
        extra = {"live": _addresses(request, operation)} if operation else {}
        return super().change_view(request, object_id, form_url, {**extra, **(extra_context or {})})

    @display(description=gettext_lazy("state"), ordering="state", label=STATE_LABELS)
    def state_label(self, operation: Operation) -> tuple[str, str]:
        return operation.state, wording.word(operation.state)

    @display(description=gettext_lazy("progress"), ordering="progress")
    def bar(self, operation: Operation) -> SafeString:
        return format_html(
            '<progress max="100" value="{}"></progress> {} %', round(operation.progress), round(operation.progress)
        )

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(request.user.has_perm("tasks.add_operation"))

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        return super().get_form(request, obj, change=change, **kwargs) if obj else StartForm

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return super().get_fields(request, obj) if obj else StartForm.Meta.fields

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        whole = super().get_fieldsets(request, obj)
        return [(gettext_lazy("Details"), {**whole[0][1], "classes": ["collapse"]})] if obj else whole

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        try:
            return super().add_view(request, form_url, extra_context)
        except (services.Busy, services.LimitReached, PlanError) as error:
            messages.error(request, str(error))
            return redirect(reverse("admin:tasks_operation_changelist"))

    def save_model(self, request: HttpRequest, obj: Operation, form: Any, change: bool) -> None:
        given = form.cleaned_data
        made = services.request_operation(
            given["cluster"],
            given["kind"],
            given["params"],
            dry_run=given["dry_run"],
            actor=actor(request),
            source=source(request),
        )
        obj.pk = made.pk
        obj.refresh_from_db()

    @method_decorator(require_http_methods(ASKING))
    def cancel(self, request: HttpRequest, ident: UUID) -> HttpResponse:
        operation = _operation(request, ident)
        if request.method != "POST":
            return ask(self, request, operation, _("Cancel"), _("Its commands are ended on all hosts."))
        services.request_cancel(operation, actor=actor(request), source=source(request))
        messages.success(request, _("The operation is being cancelled."))
        return _back(ident)

    @method_decorator(require_http_methods(ASKING))
    def retry(self, request: HttpRequest, ident: UUID) -> HttpResponse:
        operation = _operation(request, ident)
        if request.method != "POST":
            effect = _("What is true already is found and not repeated.")
            return ask(self, request, operation, _("Retry"), effect, steps=operation.steps.all())
        with _told(request, _("The operation goes on from what is true already.")):
            step = request.POST.get("from_step", "")
            services.request_retry(operation, actor=actor(request), source=source(request), from_step=step)
        return _back(ident)

    @method_decorator(require_http_methods(ASKING))
    def skip(self, request: HttpRequest, ident: UUID) -> HttpResponse:
        """Take a failed step for done."""
        operation = _operation(request, ident)
        if request.method != "POST":
            effect = _("The step is taken for done, and the operation goes on behind it.")
            failed = operation.steps.filter(state=StepState.FAILED)
            return ask(self, request, operation, _("Skip"), effect, reason=True, failed=failed)
        step, reason = request.POST.get("step", ""), request.POST.get("reason", "")
        with _told(request, _("%(step)s is skipped.") % {"step": step}):
            services.request_skip(operation, step, reason, actor=actor(request), source=source(request))
        return _back(ident)


class HostJobInline(ReadOnly, TabularInline):
    model = HostJob
    fields = ("host", "attempt", "state", "phase", "outcome", "exit_code", "offset", "last_output_at")
    extra = 0


@admin.register(Step)
class StepAdmin(ReadOnly, ModelAdmin):
    list_display = ("key", "operation", "state_label", "outcome", "progress", "attempt", "lease_owner", "lease_until")
    list_filter = ("state",)
    search_fields = ("key", "operation__id", "operation__cluster__name")
    list_select_related = ("operation",)
    inlines = (HostJobInline,)

    @display(description=gettext_lazy("state"), ordering="state", label=STATE_LABELS)
    def state_label(self, step: Step) -> tuple[str, str]:
        return step.state, wording.word(step.state)


@admin.register(HostJob)
class HostJobAdmin(ReadOnly, ModelAdmin):
    list_display = ("id", "step", "host", "attempt", "state", "phase", "exit_code", "offset", "last_output_at")
    list_filter = ("state",)
    search_fields = ("id", "host", "step__operation__id")
    list_select_related = ("step",)


@admin.register(AuditEvent)
class AuditEventAdmin(ReadOnly, ModelAdmin):
    list_display = ("at", "actor", "action", "source", "cluster", "operation", "detail")
    list_filter = ("action",)
    search_fields = ("actor", "cluster", "operation")


def may_act(request: HttpRequest) -> bool:
    """Whether who asks may stop and resume operations."""
    return bool(request.user.has_perm("tasks.change_operation"))


def ask(
    page: ModelAdmin, request: HttpRequest, operation: Operation, verb: str, effect: str, **more: Any
) -> HttpResponse:
    """A link must not change anything, so it leads to a form.

    `more` asks: for a `reason`, from which of `steps`, which of the `failed` ones.
    """
    about = {"verb": verb, "kind": operation.kind, "cluster": operation.cluster}
    context = {
        **page.admin_site.each_context(request),
        "title": _("%(verb)s: %(kind)s of %(cluster)s") % about,
        "operation": operation,
        "verb": verb,
        "effect": effect,
        **more,
    }
    return render(request, "admin/tasks/operation/confirm.html", context)


@contextmanager
def _told(request: HttpRequest, done: str) -> Iterator[None]:
    """Says that it is `done`, or why the operation did not take what was asked."""
    try:
        yield
        messages.success(request, done)
    except (services.Busy, services.NotRetryable, PlanError) as error:
        messages.error(request, str(error))


def _operation(request: HttpRequest, ident: UUID) -> Operation:
    if not may_act(request):
        raise PermissionDenied
    return get_object_or_404(Operation.objects.select_related("cluster"), pk=ident)


def _addresses(request: HttpRequest, operation: Operation) -> Addresses:
    """What the live part asks; of what changes anything, what this user may do."""
    verbs = ("cancel", "retry", "skip") if may_act(request) else ()
    actions = {verb: reverse(f"admin:tasks_operation_{verb}", args=[operation.pk]) for verb in verbs}
    return live.addresses(operation.pk, login=reverse("admin:login"), **actions)


def _back(object_id: Any) -> HttpResponse:
    return redirect(reverse("admin:tasks_operation_change", args=[object_id]))
