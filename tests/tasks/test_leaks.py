"""Marked secrets go in by REST, are used on hosts and printed by failing commands; then everything is searched."""

from __future__ import annotations

import base64
import logging
import re
import secrets as random
import struct
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

import pytest
import redis
from asgiref.sync import async_to_sync
from cryptography.hazmat.primitives import serialization
from django.conf import settings
from django.contrib import admin
from django.contrib.auth.models import User
from django.db import connection
from django.http import StreamingHttpResponse
from django.test import Client
from django.urls import URLPattern, reverse

from clusters.models import Cluster
from tasks import driver, engine, queues, services
from tasks.actions.base import ACTIONS, Action, Context, Done
from tasks.api.urls import urlpatterns
from tasks.models import Operation, OperationSecret, OperationState
from tasks.plan import Action as ActionSpec
from tasks.plan import StepSpec
from tasks.webhooks.models import WebhookAttempt
from tests.api import Api, customer_api
from tests.tasks.conftest import OWN_JOBS, log_of, plan, step
from tests.tasks.driven import finish, start
from tests.tasks.engine.making import claim
from tests.tasks.marked import Marks
from tests.tasks.remote.servers import PASSWORD, Sshd
from tests.workers import Fleet, until

pytestmark = pytest.mark.integration
PHRASE = "pass phrase+of the/key & more"
SETTINGS = {
    "registry_password": "Registry/pass+word&'\"9",
    "ceph_key": base64.b64encode(struct.pack("<HIIH", 1, 0, 0, 16) + random.token_bytes(16)).decode(),
    "backup_access_key": "AKIABACKUPACCESSKEY7",
    "backup_secret_key": "backup/secret+key=0123456789",
}
# What a host's programs may print of the secrets that they have been given, and of those that lie around there.
SHOW = """cat {said}
env | sort
set -x
: "$ACCESS_KEY" "$REGISTRY_PASSWORD"
set +x
printf 'admin:%s' "$REGISTRY_PASSWORD" | base64
printf '%s' "$CEPH_KEY" | base64 -w 0; echo
python3 -c 'import os; raise ValueError("no login with " + os.environ["REGISTRY_PASSWORD"])' || :
touch {there}
n=0; while [ ! -e {go} ] && [ $n -lt 300 ]; do sleep 0.2; n=$((n + 1)); done
printf 'error: %s is refused\\nFix: Use another than %s.\\n' "$REGISTRY_PASSWORD" "$REGISTRY_PASSWORD"
exit 1"""


@pytest.fixture(scope="module")
def two(servers: Callable[..., Sshd]) -> list[Sshd]:
    """With users whose passwords the test may change."""
    return [servers(setup=OWN_JOBS) for _ in range(2)]


def locked(pem: str) -> str:
    key = serialization.load_ssh_private_key(pem.encode(), None)
    how = serialization.BestAvailableEncryption(PHRASE.encode())
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, how).decode()


class Overheard:
    """Everything that is said to the broker, and the arguments and environments of all processes, for a while."""

    def __init__(self, marks: Marks) -> None:
        self._marks, self._over = marks, threading.Event()
        self._listening = threading.Event()
        self._seen: set[tuple[bytes, bytes]] = set()
        self.commands: list[str] = []
        self.leaks: set[str] = set()

    def __enter__(self) -> Overheard:
        self._threads = [threading.Thread(target=do, daemon=True) for do in (self._broker, self._processes)]
        for thread in self._threads:
            thread.start()
        assert self._listening.wait(30)
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        queues.broker().ping()  # the monitor hears it, and ends
        for thread in self._threads:
            thread.join(10)

    def _broker(self) -> None:
        with redis.Redis.from_url(settings.CACHES["default"]["LOCATION"], socket_timeout=None).monitor() as monitor:
            self._listening.set()
            while not self._over.is_set():
                self.commands.append(str(monitor.next_command()["command"]))

    def _processes(self) -> None:
        while not self._over.wait(0.1):
            self.look()

    def look(self) -> None:
        """The arguments of all processes, and the environment of all but the steps' own, which only root can read."""
        for process in Path("/proc").glob("[0-9]*"):
            try:
                arguments, environment = (process / "cmdline").read_bytes(), (process / "environ").read_bytes()
                own = b"SANQIAN_JOB=" in environment and process.stat().st_uid == 0
            except OSError:  # it has ended
                continue
            if (arguments, environment) in self._seen:
                continue
            self._seen.add((arguments, environment))
            texts = [("arguments", arguments)] if own else [("arguments", arguments), ("environment", environment)]
            self.leaks.update(self._marks.leaks((f"{what} of {arguments[:60]!r}", text) for what, text in texts))


@pytest.fixture
def api(transactional_db: None, fleet: Fleet) -> Api:
    return customer_api()


def registered(api: Api, two: list[Sshd], pem: str) -> Cluster:
    logins = [
        {"roles": ["control-plane", "etcd"], "private_key": pem, "passphrase": PHRASE},
        {"roles": ["worker"], "user": "deploy", "password": PASSWORD, "sudo_password": PASSWORD},
    ]
    hosts = [
        {"name": f"host{number}", "address": sshd.host, "port": sshd.port, "host_key": sshd.host_key, **login}
        for number, (sshd, login) in enumerate(zip(two, logins, strict=True), start=1)
    ]
    answer = api.post("clusters", {"name": "marked", "hosts": hosts}, idempotency_key="register once")
    assert answer.status_code == 201, answer.content
    cluster = Cluster.objects.get(name="marked")
    assert api.patch(f"clusters/{cluster.pk}", SETTINGS).status_code == 200
    return cluster


def tables() -> Iterator[tuple[str, str]]:
    """Every row of every table as text, as it is on the disk."""
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT row_to_json(t)::text FROM "{table}" t')  # noqa: S608 - a table's own name
            yield from ((f"table {table}", text) for (text,) in cursor.fetchall())


def answers(api: Api, cluster: Cluster, operations: list[Operation]) -> Iterator[tuple[str, bytes]]:
    """What every address of the API answers to GET, the one that is there to hand out the kubeconfig excepted."""
    attempt = WebhookAttempt.objects.select_related("delivery").first()
    assert attempt is not None
    delivery = attempt.delivery
    for found in urlpatterns:
        assert isinstance(found, URLPattern)
        route = str(found.pattern)
        if route.endswith("/kubeconfig"):
            continue
        for operation in operations if "operation_id" in route else [None]:
            known = {
                "cluster_id": cluster.pk,
                "operation_id": operation and operation.pk,
                "name": "host1",
                "key_id": cluster.access_key_id,
                "webhook_id": delivery.endpoint_id,
                "delivery_id": delivery.pk,
            }
            path = re.sub(r"<\w+:(\w+)>", lambda match, known=known: str(known[match[1]]), route)
            answer = api.get(path)
            assert answer.status_code < 500, path
            yield f"GET {path}", async_to_sync(whole)(answer) if answer.streaming else answer.content


async def whole(answer: StreamingHttpResponse) -> bytes:
    """What an event stream says until it ends, or has nothing more to say for now."""
    said = b""
    async for chunk in answer.streaming_content:
        said += chunk
        if b"event: now" in chunk:
            break
    return said


def pages() -> Iterator[tuple[str, bytes]]:
    """Every page of the admin: lists, rows and their history."""
    User.objects.create_superuser("op", password="long enough for this")
    operator = Client()
    assert operator.login(username="op", password="long enough for this")
    for model in admin.site._registry:
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        urls = [reverse(f"{name}_changelist")]
        for row in model._default_manager.all()[:20]:
            urls += [reverse(f"{name}_change", args=[row.pk]), reverse(f"{name}_history", args=[row.pk])]
        for url in urls:
            answer = operator.get(url)
            assert answer.status_code == 200, url
            yield f"GET {url}", answer.content
    typed = {"cluster": Cluster.objects.get().pk, "kind": "rotate-host-password"}
    params = f'{{"host_password": "{SETTINGS["backup_access_key"]}"}}'
    yield "POST add", operator.post(reverse("admin:tasks_operation_add"), {**typed, "params": params}).content


def refusals(api: Api, cluster: Cluster, pem: str) -> Iterator[tuple[str, bytes]]:
    """What is answered to bodies that are wrong, with a secret in each."""
    word = SETTINGS["registry_password"]
    quoted = "'" + word.replace("'", "''") + "'"
    hosts = f"hosts:\n- {{name: m1, address: 10.0.0.1, password: {quoted}}}\n"
    for text in (
        f"{hosts}roleGroups: [{quoted}",
        f"{hosts}  - {{name: m2\n\tpassword: {quoted}}}\n",
        f"spec:\n  hosts:\n  - name: m1\n    address: 10.0.0.1\n    passwort: {quoted}\n",
        f"hosts:\n- {{name: m1, address: 10.0.0.1, password: [{quoted}], privateKey: 7}}\n",
        f"hosts:\n- {{name: m1, address: 10.0.0.1, password: !secret {quoted}}}\n",
        f"{hosts}registry: {{auths: {{r: {{username: a, password: {quoted}}}}}}}\nroleGroups: {{worker: [m2]}}\n",
        f"hosts:\n- {{name: m1, address: 10.0.0.1, privateKey: {quoted}}}\nroleGroups: {{control-plane: [m1]}}\n",
    ):
        yield f"validate {text!r}"[:60], api.post("clusters/validate", {"configuration": text}).content
        yield f"register {text!r}"[:60], api.post("clusters", {"configuration": text, "name": "c"}).content
    host = {"name": "m1", "address": "10.0.0.1", "roles": ["control-plane"]}
    for body in (
        {"hosts": [{**host, "password": [word]}], "name": "c"},
        {"hosts": [{**host, "private_key": pem.replace("A", "B", 5), "passphrase": word}], "name": "c"},
        {"hosts": [{**host, "private_key": word}], "name": "c"},
        {"hosts": [{**host, "host_key": 5, "sudo_password": {"a": word}}], "name": "c"},
    ):
        yield "register", api.post("clusters", body).content
    kubeconfig = f"users:\n- name: a\n  user: {{token: {quoted}}}\n"
    yield "import", api.post("clusters/import", {"name": "d", "kubeconfig": kubeconfig}).content
    path = f"clusters/{cluster.pk}"
    yield "settings", api.patch(path, {"registry_password": {"a": word}, "ceph_key": word}).content
    yield "node", api.patch(f"{path}/nodes/host1", {"private_key": word}).content
    for body in (
        {"kind": "rotate-host-password", "params": {"host_password": word}},
        {"kind": "rotate-host-password", "secrets": {"host_password": word[:5] + "ü" * 9, "other": word}},
        {"kind": "rotate-ssh-key", "secrets": {"private_key": word}},
    ):
        yield "operations", api.post(f"{path}/operations", body).content
    yield (
        "no JSON",
        api._client.post(
            "/api/v1/clusters",
            data=f'{{"password": "{SETTINGS["ceph_key"]}" x',
            content_type="application/json",
            headers={"Authorization": f"Bearer {api.value}"},
        ).content,
    )


def test_no_secret_is_found_anywhere(
    api: Api, fleet: Fleet, two: list[Sshd], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    pem, token, new_password = locked(two[0].private_key), random.token_urlsafe(30), "Another/pass+word & 7"
    # Workers sign for it, and are refused to connect to where it leads.
    webhook = api.post("webhooks", {"url": "https://localhost/3k"}).json()
    marks = Marks(
        {
            **SETTINGS,
            "access key": api.value,
            "private key": pem,
            "passphrase": PHRASE,
            "password": PASSWORD,
            "new password": new_password,
            "token of the kubeconfig": token,
            "secret of the webhook": webhook["secret"],
        }
    )
    given = [*SETTINGS.values(), pem, PHRASE, PASSWORD, token]
    shapes = [*given, *map(quote, given), *(base64.b64encode(one.encode()).decode() for one in given)]
    said, there, go = tmp_path / "said", tmp_path / "there", tmp_path / "go"
    said.write_text("\n".join(shapes) + "\n")
    assert marks.found_in(said.read_text()) >= {"password", "private key", "token of the kubeconfig"}

    with Overheard(marks) as overheard:
        cluster = registered(api, two, pem)
        cluster.kubeconfig = f"users:\n- name: admin\n  user:\n    token: {token}\n"
        cluster.save(update_fields=["kubeconfig"])
        fleet.worker(8, "-l", "debug")
        fleet.beat()
        names = {"ACCESS_KEY": "access-key", "REGISTRY_PASSWORD": "registry-password", "CEPH_KEY": "ceph-key"}
        show = SHOW.format(said=said, there=f"{there}-$SANQIAN_HOST", go=go)
        shown = plan(step("show", show, "host1", "host2", secrets=names))
        printing = start(cluster, replace(shown, kind="check"))  # answers tell kinds that there are
        until(lambda: len(list(tmp_path.glob("there-*"))) == 2, 240, what=f"both hosts run it\n{fleet.log()}")
        overheard.look()
        go.touch()
        assert finish(printing, fleet, 240) == OperationState.FAILED, fleet.log()
        body = {"kind": "rotate-host-password", "secrets": {"host_password": new_password}}
        asked = api.post(f"clusters/{cluster.pk}/operations", body, idempotency_key="rotate once")
        assert asked.status_code == 202, asked.content
        rotating = Operation.objects.get(pk=asked.json()["id"])
        finish(rotating, fleet, 240)
        until(WebhookAttempt.objects.exists, 240, what=f"a webhook is tried\n{fleet.log()}")
        cut = log_of(printing, "host1")
        assert cut.count("[redacted]") >= len(shapes), cut
        assert "is refused" in printing.error["message"]

    assert rotating.steps.get(key="hosts-answer").state == "succeeded", rotating.error
    leaks = [*overheard.leaks, *marks.leaks(("broker", text) for text in overheard.commands)]
    assert any("tasks.jobs.drive" in text for text in overheard.commands)
    keys = queues.broker().keys("*")
    leaks += marks.leaks((f"broker {key}", str(queues.broker().dump(key))) for key in keys)
    leaks += marks.leaks(refusals(api, cluster, pem))
    leaks += marks.leaks(answers(api, cluster, [printing, rotating]))
    leaks += marks.leaks(pages())
    leaks += marks.leaks(tables())
    servers = Path(settings.STATIC_ROOT).parent
    leaks += marks.leaks([("worker's log", fleet.log()), ("web's log", caplog.text)])
    leaks += marks.leaks([("PostgreSQL's log", (servers / "postgres/server.log").read_bytes())])
    for sshd in two:
        assert not list(Path(f"/proc/{sshd.pid}/root/var/lib/sanqian/jobs").glob("[!.]*"))
    assert not leaks, "\n".join(leaks)


class Clumsy(Action):
    """Dies with a message that holds a secret."""

    def run(self, ctx: Context) -> Done:
        raise RuntimeError(f"cannot log in with {ctx.cluster.registry_password!r}")


def test_a_traceback_of_the_services_own_tells_no_secret(
    api: Api, two: list[Sshd], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    cluster = registered(api, two, locked(two[0].private_key))
    monkeypatch.setitem(ACTIONS, "clumsy", Clumsy)
    operation = engine.create(cluster, plan(StepSpec("clumsy", "clumsy", ActionSpec("clumsy", {}))), {})
    engine.advance(operation.pk)
    driver.drive(claim(operation, "clumsy"), threading.Event(), 0.0)
    marks = Marks(SETTINGS)
    assert "RuntimeError: cannot log in with" in caplog.text and "test_leaks.py" in caplog.text
    assert not marks.leaks([("log", caplog.text), *tables()])
    assert operation.steps.get().error["kind"] == "internal"
    assert not OperationSecret.objects.exists()
    services.request_cancel(operation, actor="test")
