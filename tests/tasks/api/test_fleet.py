"""The fleet over REST: for operators, not for customers."""

from __future__ import annotations

from base64 import b64encode

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client

from tests.api import Api, problem

pytestmark = pytest.mark.integration
URL = "/api/v1/fleet"
PASSWORD = "long enough for this"


def basic(name: str, password: str) -> dict[str, str]:
    return {"Authorization": "Basic " + b64encode(f"{name}:{password}".encode()).decode()}


@pytest.fixture
def operator(db: None) -> User:
    user = User.objects.create_user("op", password=PASSWORD, is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="view_operation"))
    return user


def test_an_operator_sees_it_with_a_password_or_a_session(operator: User) -> None:
    answer = Client().get(URL, headers=basic("op", PASSWORD))
    assert answer.status_code == 200
    assert [queue["name"] for queue in answer.json()["queues"]] == ["control", "provision", "health", "webhooks"]
    assert answer.json()["operations"]["running"] == 0

    logged_in = Client()
    logged_in.force_login(operator)
    assert logged_in.get(URL).status_code == 200


def test_an_access_key_does_not_open_it(api: Api) -> None:
    problem(api.get("fleet"), 403, "not-allowed")


@pytest.mark.parametrize("lacking", ["staff", "permission"])
def test_an_operator_needs_the_right(operator: User, lacking: str) -> None:
    if lacking == "staff":
        operator.is_staff = False
        operator.save()
    else:
        operator.user_permissions.clear()
    problem(Client().get(URL, headers=basic("op", PASSWORD)), 403, "not-allowed")


def test_nobody_and_a_wrong_password(operator: User) -> None:
    for headers in ({}, basic("op", "another")):
        answer = Client().get(URL, headers=headers)
        problem(answer, 401, "not-authenticated")
        assert answer["WWW-Authenticate"].startswith("Basic")
