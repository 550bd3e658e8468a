"""What browsers are told they may do with a page: Content-Security-Policy and Permissions-Policy, by address.

No page may run a script or apply a style that stands in its own text. Django's own middleware adds the other headers
(X-Frame-Options, X-Content-Type-Options, Referrer-Policy, Cross-Origin-Opener-Policy, Strict-Transport-Security).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from asgiref.sync import iscoroutinefunction
from django.http import HttpRequest, HttpResponseBase
from django.utils.decorators import sync_and_async_middleware

Policy = Mapping[str, str]
NOBODY: Policy = {"default-src": "'none'", "frame-ancestors": "'none'", "base-uri": "'none'", "form-action": "'none'"}
PAGES: Policy = {
    **NOBODY,
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self'",
    "connect-src": "'self'",
    "form-action": "'self'",
}
# Style elements that unfold brings: its colours, a list without actions, and what htmx adds. The browser's refusal of
# another one names the hash that is missing here.
UNFOLD = (
    "sha256-CftXQ/6rIQ3AMOrJUsQzoK+KGLgk4scJJlfXyvE/1mQ=",
    "sha256-+MEQ/O07HiRf96s+FyiSQj7xKrHjGPZWCed2MyGUBF4=",
    "sha256-bsV5JivYxvGywDAZ22EZJKBFip65Ng9xoJVLbBg7bdo=",
)
# Unfold draws with Alpine, which makes functions of the expressions in its templates: hence 'unsafe-eval', here alone.
ADMIN: Policy = {
    **PAGES,
    "script-src": "'self' 'unsafe-eval'",
    "style-src": " ".join(("'self'", *(f"'{hashed}'" for hashed in UNFOLD))),
    "img-src": "'self' data:",
    "font-src": "'self'",
}
# Swagger UI has its pictures in its style sheet, and its page one style element.
SWAGGER = "sha256-MMpT0iDxyjALd9PdfepImGX3DBfJPXZ4IlDWdPAgtn0="
DOCS: Policy = {**PAGES, "style-src": f"'self' '{SWAGGER}'", "img-src": "'self' data:"}
BY_PREFIX: Mapping[str, Policy] = {"/admin/": ADMIN, "/console/": PAGES, "/api/docs/": DOCS}
NOTHING = "camera=(), microphone=(), geolocation=(), payment=(), usb=()"


@sync_and_async_middleware
def browser_headers(get_response: Any) -> Any:
    """Django middleware that adds the headers to every answer."""

    if iscoroutinefunction(get_response):

        async def later(request: HttpRequest) -> HttpResponseBase:
            return added(request, await get_response(request))

        return later
    return lambda request: added(request, get_response(request))


def added(request: HttpRequest, answer: HttpResponseBase) -> HttpResponseBase:
    """`answer` with the headers that it has not."""
    answer.headers.setdefault("Content-Security-Policy", written(policy_of(request.path)))
    answer.headers.setdefault("Permissions-Policy", NOTHING)
    return answer


def policy_of(path: str) -> Policy:
    """What a page at `path` may do; what is no page may do nothing."""
    return next((policy for prefix, policy in BY_PREFIX.items() if path.startswith(prefix)), NOBODY)


def written(policy: Policy) -> str:
    """The header's value."""
    return "; ".join(f"{name} {value}" for name, value in policy.items())
