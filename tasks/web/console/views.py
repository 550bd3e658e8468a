"""The pages: log in, own clusters, one cluster, one operation live. Another's is as unknown as none."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from clusters.api.base import own_cluster
from clusters.api.problems import Problem
from clusters.api.throttling import wait_for
from clusters.models import AccessKey
from tasks import overview
from tasks.api.operations import own_operation
from tasks.web.console import session
from tasks.web.console.overview import all_clusters
from tasks.web.live import Live, Sight
from tasks.web.staff import at_intervals

P = ParamSpec("P")
LONGEST_KEY = 200


def admit(request: HttpRequest, ident: str) -> Sight:
    """An operation on an own cluster. Raises `Problem`."""
    key = session.current(request)
    if key is None:
        raise Problem("not-authenticated", "Nobody is logged in.", hint="Log in with the access key.")
    if wait := wait_for(key):
        raise _too_many(wait)
    return Sight(own_operation(key, ident), at_intervals(session.watching(request)))


live = Live("console-live", admit)


def for_customers(
    view: Callable[Concatenate[HttpRequest, AccessKey, P], HttpResponse],
) -> Callable[Concatenate[HttpRequest, P], HttpResponse]:
    """A page for those who are logged in; others are led to the login and back. A problem becomes a page."""

    @never_cache
    @require_safe
    @wraps(view)
    def page(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        key = session.current(request)
        if key is None:
            return redirect(f"{reverse('console-login')}?next={request.path}")
        try:
            if wait := wait_for(key):
                raise _too_many(wait)
            return view(request, key, *args, **kwargs)
        except Problem as problem:
            return _refused(request, problem, {"key": key})

    return page


@never_cache
@sensitive_post_parameters("key")
@require_http_methods(["GET", "HEAD", "POST"])
def log_in(request: HttpRequest) -> HttpResponse:
    """The form, and the exchange of the key for a session. The key comes by POST alone and is not given back."""
    onward = _own_page(request, request.POST.get("next") or request.GET.get("next", ""))
    context: dict[str, Any] = {"next": onward, "hours": session.LASTS // 3600}
    if request.method != "POST":
        return redirect(onward) if session.current(request) else render(request, "console/login.html", context)
    try:
        session.log_in(request, request.POST.get("key", "").strip()[:LONGEST_KEY])
    except Problem as problem:
        if problem.status_code == 429:
            return _refused(request, problem, {})
        context["refused"] = _("This access key is not accepted: it is not known, has expired or was withdrawn.")
        return render(request, "console/login.html", context, status=403)
    return redirect(onward)


@require_POST
def log_out(request: HttpRequest) -> HttpResponse:
    session.log_out(request)
    return redirect("console-login")


@for_customers
def clusters(request: HttpRequest, key: AccessKey, template: str = "clusters") -> HttpResponse:
    """All own clusters; with another template the part of the page that changes."""
    return render(request, f"console/{template}.html", {"key": key, "clusters": all_clusters(key)})


@for_customers
def cluster(request: HttpRequest, key: AccessKey, cluster_id: str, template: str = "cluster") -> HttpResponse:
    """One cluster; with another template the part of the page that changes."""
    found = own_cluster(key, cluster_id)
    context = {"key": key, "cluster": found, "overview": overview.read(found)}
    return render(request, f"console/{template}.html", context)


@for_customers
def operation(request: HttpRequest, key: AccessKey, operation_id: str) -> HttpResponse:
    found = own_operation(key, operation_id)
    login = f"{reverse('console-login')}?next={request.path}"
    context = {"key": key, "operation": found, "live": live.addresses(found.pk, login=login)}
    return render(request, "console/operation.html", context)


def _own_page(request: HttpRequest, address: str) -> str:
    """`address` where it is a page of the console, else the first one."""
    first = reverse("console")
    ours = address.startswith(first) and url_has_allowed_host_and_scheme(address, {request.get_host()})
    return address if ours and address != reverse("console-login") else first


def _too_many(wait: float) -> Problem:
    seconds = str(max(1, int(wait)))
    return Problem("throttled", "There were too many requests.", headers={"Retry-After": seconds})


def _refused(request: HttpRequest, problem: Problem, context: dict[str, Any]) -> HttpResponse:
    texts = {
        404: (_("There is no such page."), _("It is not known, or belongs to another customer.")),
        429: (_("Too many requests."), _("Wait a minute, then load the page again.")),
    }
    title, advice = texts.get(problem.status_code, (_("This is not possible now."), _("Try again soon.")))
    answer = render(
        request, "console/refused.html", {**context, "title": title, "advice": advice}, status=problem.status_code
    )
    for name, value in problem.headers.items():
        answer[name] = value
    return answer
