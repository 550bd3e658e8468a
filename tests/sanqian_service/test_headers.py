"""What browsers are told: no script or style of a page's own text, nothing from elsewhere, no frames."""

from __future__ import annotations

import pytest
from django.test import Client

from sanqian_service.headers import BY_PREFIX, NOBODY, policy_of, written


@pytest.mark.parametrize("policy", [NOBODY, *BY_PREFIX.values()])
def test_no_policy_allows_what_is_inline_or_from_elsewhere(policy: dict[str, str]) -> None:
    text = written(policy)
    assert "unsafe-inline" not in text and "http" not in text and "*" not in text
    assert policy["default-src"] == policy["frame-ancestors"] == policy["base-uri"] == "'none'"


def test_functions_are_made_of_text_in_the_admin_alone() -> None:
    lax = [prefix for prefix, policy in BY_PREFIX.items() if "unsafe-eval" in written(policy)]
    assert lax == ["/admin/"]
    assert "script-src" not in policy_of("/api/v1/clusters") and "script-src" not in policy_of("/administrator")


@pytest.mark.integration
@pytest.mark.django_db
@pytest.mark.parametrize("page", ["/admin/login/", "/console/login", "/api/docs/", "/api/v1/clusters", "/nothing"])
def test_every_answer_tells(page: str) -> None:
    answer = Client().get(page)
    assert answer["Content-Security-Policy"] == written(policy_of(page))
    assert answer["X-Frame-Options"] == "DENY"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Referrer-Policy"] == answer["Cross-Origin-Opener-Policy"] == "same-origin"
    assert "camera=()" in answer["Permissions-Policy"]
