"""A form for the parameters of an operation, made from their description in its plan."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext as _

from clusters.models import Cluster
from tasks.overview import DESTROYS
from tasks.plan import JSON, PlanError
from tasks.plans import PlanKind

HOST, HOSTS = ("node",), ("hosts", "nodes")
TYPED = "typed_name"  # where the operation itself asks for no proof that this very cluster is meant


class Lines(forms.CharField):
    """Values, one a line."""

    widget = forms.Textarea(attrs={"rows": 3})

    def __init__(self, *, numbers: bool = False, **more: Any) -> None:
        super().__init__(**more)
        self.numbers = numbers

    def clean(self, value: Any) -> list[str] | list[int]:
        lines = [line.strip() for line in super().clean(value).splitlines() if line.strip()]
        if not self.numbers:
            return lines
        if wrong := [line for line in lines if not line.isdecimal()]:
            raise forms.ValidationError(_("%(line)s is no number."), params={"line": wrong[0]})
        return [int(line) for line in lines]


class StartForm(forms.Form):
    """What one kind of operation takes, for one cluster."""

    def __init__(self, plan: PlanKind, cluster: Cluster, data: Any = None) -> None:
        super().__init__(data)
        self.plan, self.cluster = plan, cluster
        hosts = [(name, name) for name in cluster.nodes.values_list("name", flat=True)]
        for name, rule in plan.params.items():
            self.fields[name] = _field(name, rule, hosts)
        if plan.kind in DESTROYS and "confirm" not in plan.params:
            self.fields[TYPED] = forms.CharField(
                required=False,
                label=_("name of the cluster"),
                help_text=_("Type it to start: what is taken away does not come back by itself."),
            )

    def params(self) -> dict[str, JSON]:
        """What was given, of a valid form; what was left out or is as by default is not part of it."""
        given = {name: self.cleaned_data[name] for name in self.plan.params}
        defaults = {name: rule.get("default") for name, rule in self.plan.params.items()}
        return {
            name: value
            for name, value in given.items()
            if value not in (None, "", [], {}, defaults[name]) and not (value is False and not defaults[name])
        }

    def sure(self) -> bool:
        """Whether nothing is taken away, or the cluster's name was typed."""
        if TYPED not in self.fields or self.cleaned_data[TYPED] == self.cluster.name:
            return True
        self.add_error(TYPED, _("This is not the name of the cluster: %(name)s.") % {"name": self.cluster.name})
        return False

    def blame(self, error: PlanError) -> None:
        """Say at its field what makes no plan."""
        name = error.field.partition(".")[0].partition("[")[0]
        self.add_error(name if name in self.fields else None, f"{error} {error.fix}".strip())


def _field(name: str, rule: Mapping[str, Any], hosts: list[tuple[str, str]]) -> forms.Field:
    kind, items = rule["type"], rule.get("items", {})
    said: dict[str, Any] = {"required": False, "label": name, "initial": rule.get("default")}
    said["help_text"] = _(rule["description"]) if rule.get("description") else ""
    if name in HOST or "enum" in rule:
        choices = hosts if name in HOST else [(one, one) for one in rule["enum"]]
        return forms.ChoiceField(choices=[("", "–"), *choices], **said)
    if name in HOSTS or "enum" in items:
        choices = hosts if name in HOSTS else [(one, one) for one in items["enum"]]
        return forms.MultipleChoiceField(choices=choices, **said)
    if kind == "boolean":
        return forms.BooleanField(**said)
    if kind == "integer":
        return forms.IntegerField(min_value=rule.get("minimum"), max_value=rule.get("maximum"), **said)
    if kind == "array" and items.get("type") in ("string", "integer"):
        said["initial"] = "\n".join(map(str, said["initial"] or []))
        return Lines(numbers=items["type"] == "integer", **said)
    if kind in ("array", "object"):
        return forms.JSONField(widget=forms.Textarea(attrs={"rows": 3}), **said)
    return forms.CharField(**said)
