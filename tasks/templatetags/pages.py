"""What the pages of the admin site write in their own way: states, durations, sparklines."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django import template
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext

from clusters import wording
from clusters.timeline import Span
from tasks.titles import kind_titled, titled

register = template.Library()
register.filter(titled)
register.filter(kind_titled)
_LEVELS = {
    "good": ("ready", "healthy", "succeeded", "skipped", "already", "checked"),
    "busy": ("installing", "uninstalling", "running", "cancelling", "progressing", "changed"),
    "warn": ("degraded", "unknown", "would-change"),
    "bad": ("failed", "unhealthy", "absent", "lost"),
}
WIDTH, HEIGHT = 180, 20
NARROWEST = 1.5  # a failure of a second is seen, too
# The worse, the taller: nobody has to tell colours apart.
TALL = {"healthy": 6, "progressing": 10, "unknown": 12, "degraded": 14, "unhealthy": 20, "absent": 20}
LEVELS = {state: level for level, states in _LEVELS.items() for state in states}


@register.filter
def word(state: object) -> str:
    """What a state is called."""
    return wording.word(state)


@register.simple_tag
def badge(state: object, text: object = "") -> SafeString:
    """A state, with its colour."""
    level = LEVELS.get(str(state), "idle")
    return format_html('<span class="badge badge-{}">{}</span>', level, text or wording.word(state))


@register.simple_tag
def bar(percent: float) -> SafeString:
    """How far something is, drawn and in figures."""
    done = round(percent)
    label = gettext("progress")
    return format_html('<progress max="100" value="{}" aria-label="{}"></progress> {} %', done, label, done)


@register.filter
def lasting(seconds: float | None) -> str:
    """A short duration: 45 s, 12 min, 3 h, 5 d."""
    if seconds is None:
        return "–"
    for size, unit in ((86400, gettext("d")), (3600, gettext("h")), (60, gettext("min"))):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{max(0, seconds):.0f} {gettext('s')}"


@register.simple_tag
def lasted(since: datetime | None, until: datetime | None) -> str:
    """The time between two moments."""
    return lasting((until - since).total_seconds() if since and until else None)


@register.filter
def days_left(days: int | None) -> str:
    """Of a certificate."""
    if days is None:
        return gettext("cannot be read")
    if days < 0:
        return gettext("has ended")
    return ngettext("%(days)d day", "%(days)d days", days) % {"days": days}


@register.simple_tag
def sparkline(spans: Iterable[Span], name: str) -> SafeString:
    """States over time as SVG, without script and style: classes give the colours, titles tell it in words."""
    label = gettext("%(name)s over the last 24 hours") % {"name": name}
    bars = format_html_join(
        "",
        '<rect class="span-{}" x="{}" y="{}" width="{}" height="{}"><title>{}</title></rect>',
        (
            (
                span.state,
                f"{span.place * WIDTH:.1f}",
                HEIGHT - TALL.get(span.state, 12),
                f"{max(span.size * WIDTH, NARROWEST):.1f}",
                TALL.get(span.state, 12),
                f"{wording.word(span.state)} {span.start:%H:%M} – {span.end:%H:%M}",
            )
            for span in spans
            if span.state
        ),
    )
    return format_html(
        '<svg class="sparkline" viewBox="0 0 {} {}" width="{}" height="{}" role="img" aria-label="{}">{}</svg>',
        *(WIDTH, HEIGHT, WIDTH, HEIGHT, label, bars),
    )
