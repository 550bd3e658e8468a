"""Every text of ours in the admin site is there in Chinese, and the compiled catalogue is the one that people edit."""

from __future__ import annotations

import re
from html import unescape

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone, translation

from clusters import wording
from clusters.models import AccessKey, Cluster, Customer, HealthEvent, Node, SSHCredential
from scripts import messages
from tasks.models import Operation
from tests.tasks.role_users import logged_in

CHINESE = "zh-CN,zh;q=0.9,en;q=0.5"  # as browsers ask


def test_nothing_is_left_untranslated() -> None:
    catalogue = messages.read()
    there = {one.id for one in catalogue if one.id}
    assert messages.missing(catalogue) == []
    assert messages.collected() ^ there == set(), "run `make messages`, then translate what it lists"
    wrong = [f"{one.id}: {error}" for one in catalogue for error in one.check()]
    assert wrong == []


def test_the_compiled_catalogue_is_of_the_one_that_is_edited() -> None:
    compiled = messages.CATALOGUE.with_suffix(".mo").read_bytes()
    assert compiled == messages.compiled(messages.read()), "run `make messages`"


def test_states_are_told_in_the_readers_language() -> None:
    assert [wording.word(one) for one in ("ready", "would-change", "nonsense")] == ["Ready", "would change", "nonsense"]
    with translation.override("zh-hans"):
        assert [wording.word(one) for one in ("ready", "would-change")] == ["就绪", "将会更改"]
        assert str(Cluster._meta.verbose_name_plural) == "集群"
        assert str(Cluster._meta.get_field("drift_hours").help_text) == "0 表示从不。"


@pytest.mark.integration
@pytest.mark.django_db
def test_a_chinese_browser_sees_no_english_of_ours() -> None:
    key = AccessKey.objects.issue(Customer.objects.create(name="一号客户"))[0]
    cluster = Cluster.objects.create(access_key=key, name="c1", state="degraded", state_reason="-")
    credential = SSHCredential.objects.create(cluster=cluster, private_key="key")
    Node.objects.create(cluster=cluster, name="h1", address="10.0.0.1", credential=credential)
    done = Operation.objects.create(
        cluster=cluster, kind="drift", state="failed", error={"message": "-"}, finished_at=timezone.now()
    )
    HealthEvent.objects.create(cluster=cluster, name="coredns", old_state="healthy", new_state="degraded")
    client = logged_in("admin-1", "admin")
    pages = [
        reverse("admin:index"),
        reverse("fleet-part"),
        reverse("admin:clusters_cluster_changelist"),
        reverse("admin:clusters_cluster_change", args=[cluster.pk]),
        reverse("admin:clusters_cluster_start", args=[cluster.pk, "remove-node"]),
        reverse("admin:clusters_accesskey_add"),
        reverse("admin:tasks_operation_add"),
        reverse("admin:tasks_operation_change", args=[done.pk]),
        reverse("admin:tasks_operation_retry", args=[done.pk]),
        reverse("admin:auth_user_changelist"),
    ]
    # Texts of several words: one word alone may be anything.
    ours = [one for one in map(_of, messages.collected()) if re.search(r"\w+ \w+ \w+", one) and "%(" not in one]
    for page in pages:
        text = _shown(client, page)
        assert re.search("[\u4e00-\u9fff]{2}", text), page
        assert [one for one in ours if one in text] == [], page
    assert "Changes of health" in client.get(pages[0]).content.decode()


def _of(message: messages.Message) -> str:
    return message if isinstance(message, str) else message[0]


def _shown(client: Client, page: str) -> str:
    answer = client.get(page, headers={"accept-language": CHINESE})
    assert answer.status_code == 200, page
    without_code = re.sub(r"(?s)<(script|style|template)\b.*?</\1>", "", answer.content.decode())
    return unescape(without_code)
