"""The step that says what is no longer as installed."""

from __future__ import annotations

from django.utils import timezone

from clusters import drift
from clusters.drift import Asked
from tasks import health
from tasks.actions.base import Action, Context, Done, Wait, register
from tasks.models import JobState, Outcome, Step, StepState


@register("judge-drift")
class JudgeDrift(Action):
    """Judges the other steps of its operation by their hosts' answers. Result: ``steps`` that differ,
    ``not_judged`` (keys of steps that no installation of this service has done).
    """

    only_looks = True

    def run(self, ctx: Context) -> Done | Wait:
        ever = set(
            Step.objects.filter(
                operation__cluster=ctx.cluster,
                operation__kind="install",
                operation__dry_run=False,
                state=StepState.SUCCEEDED,
            ).values_list("key", flat=True)
        )
        steps = ctx.operation.steps.exclude(pk=ctx.step.pk).prefetch_related("jobs")
        # What was never installed cannot have drifted.
        others = [step.key for step in steps if step.key not in ever]
        if others:
            ctx.log(f"not judged, because this service has not installed it: {', '.join(others)}")
        if ctx.cluster.kubernetes_uid and not ever:
            note = (
                "nothing is judged: nothing here was installed by this service; "
                f"`3kctl import {ctx.cluster.name} --dry-run` says what is not as recorded"
            )
            return Done({"state": "", "steps": [], "not_judged": others}, Outcome.CHECKED, note)
        seen = drift.judge([_asked(step) for step in steps if step.key in ever], str(ctx.operation.pk))
        health.record(ctx.cluster.pk, seen, timezone.now())
        for row in seen.details["steps"]:
            for host in row["changed"]:
                ctx.log(f"{row['step']}: not as installed on {host} ({row['title']})")
            for host in row["silent"]:
                ctx.log(f"{row['step']}: could not be told on {host}")
        note = seen.reason or f"all {seen.desired} steps are as installed"
        if ctx.cluster.kubernetes_uid and others:
            note += f"; not judged, as it was there before the import: {', '.join(others)}"
        result = {"state": seen.state, "steps": seen.details["steps"], "not_judged": others}
        return Done(result, Outcome.CHECKED, note[:300])


def _asked(step: Step) -> Asked:
    jobs = [job for job in step.jobs.all() if job.attempt == step.attempt]
    changed = tuple(job.host for job in jobs if job.outcome == Outcome.WOULD_CHANGE)
    silent = tuple(job.host for job in jobs if job.state != JobState.SUCCEEDED or job.outcome == Outcome.UNKNOWN)
    return Asked(step.key, step.title, changed, silent)
