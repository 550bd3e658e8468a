"""What is done, for operators: every operation with its steps, its log, and the buttons to stop or resume it."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.admin import ModelAdmin, TabularInline
from unfold.decorators import action, display

from clusters.admin import ReadOnly
from tasks import services
from tasks.models import AuditEvent, HostJob, LogChunk, Operation, Step
from tasks.plan import PlanError
from tasks.plans import PLANS
from tasks.webhooks import admin as webhooks  # noqa: F401 - it registers its pages

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
LOG_CHUNKS = 200  # of the newest, on one page


class StepInline(ReadOnly, TabularInline):
    model = Step
    fields = ("title", "state", "outcome", "done", "note", "tries", "started_at", "finished_at")
    readonly_fields = ("done",)
    extra = 0
    show_change_link = True

    @display(description="progress")
    def done(self, step: Step) -> str:
        return f"{step.progress:.0f} %"


class StartForm(forms.ModelForm):
    """What REST takes, checked the same way: what makes no plan is said at its field."""

    kind = forms.ChoiceField(choices=[(one.kind, f"{one.kind}: {one.title}") for one in PLANS.values()])
    params = forms.JSONField(
        required=False,
        initial=dict,
        help_text="JSON, as POST clusters/{id}/operations takes it. No secrets: 3kctl rotate takes those.",
    )

    class Meta:
        model = Operation
        fields = ("cluster", "kind", "params", "dry_run")
        help_texts = {"dry_run": "Only look: say what would change."}

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
    exclude = ("event_seq", "sent_at", "cluster_states")
    readonly_fields = ("bar", "log")
    inlines = (StepInline,)
    actions_detail = ("cancel", "retry")

    @display(description="state", ordering="state", label=STATE_LABELS)
    def state_label(self, operation: Operation) -> str:
        return operation.state

    @display(description="progress", ordering="progress")
    def bar(self, operation: Operation) -> SafeString:
        return format_html(
            '<progress max="100" value="{}"></progress> {} %', round(operation.progress), round(operation.progress)
        )

    @display(description="log (its end)")
    def log(self, operation: Operation) -> SafeString:
        newest = LogChunk.objects.filter(operation=operation).select_related("job__step").order_by("-seq")[:LOG_CHUNKS]
        lines = [f"[{chunk.job.step.key} {chunk.job.host}] {chunk.text}" for chunk in reversed(newest)]
        return format_html('<pre style="white-space: pre-wrap">{}</pre>', "".join(lines))

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(request.user.has_perm("tasks.add_operation"))

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        return super().get_form(request, obj, change=change, **kwargs) if obj else StartForm

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return super().get_fields(request, obj) if obj else StartForm.Meta.fields

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return super().get_readonly_fields(request, obj) if obj else ()

    def get_inlines(self, request: HttpRequest, obj: Any) -> Any:
        return super().get_inlines(request, obj) if obj else []

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
            actor=_actor(request),
            source=_source(request),
        )
        obj.pk = made.pk
        obj.refresh_from_db()

    @action(description="Cancel", url_path="cancel")
    def cancel(self, request: HttpRequest, object_id: str) -> HttpResponse:
        operation = self._allowed(request, object_id)
        if operation and request.method != "POST":
            return ask(self, request, operation, "Cancel", "Its commands are ended on all hosts.")
        if operation:
            services.request_cancel(operation, actor=_actor(request), source=_source(request))
            messages.success(request, "The operation is being cancelled.")
        return _back(object_id)

    @action(description="Retry", url_path="retry")
    def retry(self, request: HttpRequest, object_id: str) -> HttpResponse:
        operation = self._allowed(request, object_id)
        if operation and request.method != "POST":
            return ask(self, request, operation, "Retry", "What is true already is found and not repeated.")
        if operation:
            try:
                services.request_retry(operation, actor=_actor(request), source=_source(request))
                messages.success(request, "The operation goes on from what is true already.")
            except (services.Busy, services.NotRetryable, PlanError) as error:
                messages.error(request, str(error))
        return _back(object_id)

    def _allowed(self, request: HttpRequest, object_id: str) -> Operation | None:
        if not request.user.has_perm("tasks.change_operation"):
            messages.error(request, "You may look at operations, not change them.")
            return None
        return Operation.objects.select_related("cluster").get(pk=object_id)


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
    actions_detail = ("skip",)

    @display(description="state", ordering="state", label=STATE_LABELS)
    def state_label(self, step: Step) -> str:
        return step.state

    @action(description="Skip", url_path="skip")
    def skip(self, request: HttpRequest, object_id: str) -> HttpResponse:
        step = Step.objects.select_related("operation__cluster").get(pk=object_id)
        if not request.user.has_perm("tasks.change_operation"):
            messages.error(request, "You may look at operations, not change them.")
            return _back(step.operation_id)
        if request.method != "POST":
            effect = "The step is taken for done, and the operation goes on behind it."
            return ask(self, request, step.operation, "Skip", f"{step.title}. {effect}", reason=True)
        try:
            reason = request.POST.get("reason", "")
            services.request_skip(step.operation, step.key, reason, actor=_actor(request), source=_source(request))
            messages.success(request, f"{step.title} is skipped.")
        except (services.Busy, services.NotRetryable, PlanError) as error:
            messages.error(request, str(error))
        return _back(step.operation_id)


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


def ask(
    page: ModelAdmin, request: HttpRequest, operation: Operation, verb: str, effect: str, *, reason: bool = False
) -> HttpResponse:
    """A link must not change anything, so it leads to a form."""
    context = {
        **page.admin_site.each_context(request),
        "title": f"{verb}: {operation.kind} of {operation.cluster}",
        "operation": operation,
        "verb": verb,
        "effect": effect,
        "reason": reason,
    }
    return render(request, "admin/tasks/operation/confirm.html", context)


def _actor(request: HttpRequest) -> str:
    return f"operator {request.user.get_username()}"


def _source(request: HttpRequest) -> str:
    return str(request.META.get("REMOTE_ADDR", ""))


def _back(object_id: Any) -> HttpResponse:
    return redirect(reverse("admin:tasks_operation_change", args=[object_id]))
