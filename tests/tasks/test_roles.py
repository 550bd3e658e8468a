"""Who may see and do what: every role against every page and action."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.test import Client
from django.urls import reverse

from clusters.models import AccessKey, Cluster, Customer, Node, SSHCredential
from tasks import engine, roles
from tasks.models import Operation
from tests.tasks.conftest import plan, step
from tests.tasks.role_users import logged_in

pytestmark = [pytest.mark.integration, pytest.mark.django_db]
NOBODY, OUTSIDER, NOTHING = "nobody", "outsider", "no role"
STAFF = (NOTHING, roles.VIEWER, roles.OPERATOR, roles.ADMIN)
LOOKING, STARTING, RULING = STAFF[1:], STAFF[2:], STAFF[3:]
# Pages that are read, and who may. The first page is there for all staff, and shows what they may see.
PAGES: dict[str, tuple[str, ...]] = {
    "admin:index": STAFF,
    "dashboard-part": LOOKING,
    "fleet": LOOKING,
    "fleet-part": LOOKING,
    "admin:clusters_cluster_changelist": LOOKING,
    "admin:clusters_cluster_change": LOOKING,
    "admin:clusters_cluster_part": LOOKING,
    "admin:clusters_customer_changelist": LOOKING,
    "admin:clusters_accesskey_changelist": LOOKING,
    "admin:clusters_sshcredential_changelist": LOOKING,
    "admin:clusters_healthevent_changelist": LOOKING,
    "admin:tasks_operation_changelist": LOOKING,
    "admin:tasks_operation_change": LOOKING,
    "admin:tasks_auditevent_changelist": LOOKING,
    "admin:clusters_cluster_start": STARTING,
    "admin:tasks_operation_add": STARTING,
    "admin:tasks_operation_cancel": STARTING,
    "admin:tasks_operation_retry": STARTING,
    "admin:tasks_operation_skip": STARTING,
    "admin:clusters_customer_add": RULING,
    "admin:clusters_accesskey_add": RULING,
    "admin:auth_user_changelist": RULING,
    "admin:auth_user_add": RULING,
    "admin:auth_group_add": (),
    "admin:clusters_cluster_add": (),
    "admin:clusters_sshcredential_add": (),
    "admin:tasks_operation_delete": (),
    "admin:clusters_cluster_delete": (),
}


@pytest.fixture
def operation() -> Operation:
    key = AccessKey.objects.issue(Customer.objects.create(name="First customer"))[0]
    cluster = Cluster.objects.create(access_key=key, name="c1", state="ready", kubeconfig="token: kubeconfig-token")
    credential = SSHCredential.objects.create(cluster=cluster, private_key="PRIVATE-KEY-TEXT")
    every = ["control-plane", "etcd", "worker"]
    Node.objects.create(cluster=cluster, name="host1", address="10.0.0.1", role_groups=every, credential=credential)
    return engine.create(cluster, plan(step("one", "true")), {})


@pytest.fixture
def client_of() -> Callable[[str], Client]:
    made = {NOBODY: Client(), OUTSIDER: logged_in("outsider", is_staff=False), NOTHING: logged_in("staff")}
    for role in LOOKING:
        made[role] = logged_in(f"{role}-1", role)
    return made.__getitem__


def address(name: str, operation: Operation) -> str:
    """The page, of the one cluster, operation or step that there is."""
    if name.endswith("_start"):
        return reverse(name, args=[operation.cluster_id, "backup"])
    if name.endswith(("_changelist", "_add")) or "_" not in name:
        return reverse(name)
    thing = {"cluster": operation.cluster_id, "operation": operation.pk}
    return reverse(name, args=[thing[name.split("_")[1]]])


@pytest.mark.parametrize("role", [NOBODY, OUTSIDER, *STAFF])
def test_pages(operation: Operation, client_of: Callable[[str], Client], role: str) -> None:
    client, wrong = client_of(role), []
    for name, permitted in PAGES.items():
        answer = client.get(address(name, operation))
        expected = 200 if role in permitted else 302 if role in (NOBODY, OUTSIDER) else 403
        if answer.status_code != expected:
            wrong.append(f"{name}: {answer.status_code}")
        text = answer.content.decode()
        assert "kubeconfig-token" not in text and "PRIVATE-KEY-TEXT" not in text, name
    assert not wrong


def _cancel(client: Client, operation: Operation) -> bool:
    client.post(reverse("admin:tasks_operation_cancel", args=[operation.pk]))
    operation.refresh_from_db()
    return operation.state == "cancelling"


def _retry(client: Client, operation: Operation) -> bool:
    _fail(operation)
    client.post(reverse("admin:tasks_operation_retry", args=[operation.pk]), {"from_step": "one"})
    operation.refresh_from_db()
    return operation.attempt == 2


def _skip(client: Client, operation: Operation) -> bool:
    _fail(operation)
    step = operation.steps.get()
    form = {"step": "one", "reason": "done by hand"}
    client.post(reverse("admin:tasks_operation_skip", args=[operation.pk]), form)
    step.refresh_from_db()
    return step.state == "skipped"


def _start(client: Client, operation: Operation) -> bool:
    client.post(reverse("admin:clusters_cluster_start", args=[operation.cluster_id, "check"]), {"do": "start"})
    return Operation.objects.filter(kind="check").exists()


def _start_by_form(client: Client, operation: Operation) -> bool:
    form = {"cluster": operation.cluster_id, "kind": "check", "params": "{}"}
    client.post(reverse("admin:tasks_operation_add"), form)
    return Operation.objects.filter(kind="check").exists()


def _set_cluster(client: Client, operation: Operation) -> bool:
    page = reverse("admin:clusters_cluster_change", args=[operation.cluster_id])
    cluster = operation.cluster
    names = [one.name for one in cluster._meta.fields if one.editable and one.name != "access_key"]
    values = {name: getattr(cluster, name) for name in names}
    form = {name: "{}" if value == {} else value for name, value in values.items() if value is not None}
    client.post(page, {**form, "description": "changed"})
    cluster.refresh_from_db()
    return cluster.description == "changed"


def _add_customer(client: Client, operation: Operation) -> bool:
    client.post(reverse("admin:clusters_customer_add"), {"name": "another"})
    return Customer.objects.filter(name="another").exists()


def _add_key(client: Client, operation: Operation) -> bool:
    before = AccessKey.objects.count()
    limits = {"max_clusters": 3, "max_hosts": 4, "max_operations": 5}
    form = {"customer": Customer.objects.get(name="First customer").pk, "scope": "read"}
    client.post(reverse("admin:clusters_accesskey_add"), {**form, "active": "on", **limits})
    return AccessKey.objects.count() > before


def _add_user(client: Client, operation: Operation) -> bool:
    word = "a long enough word"
    form = {"username": "newcomer", "password1": word, "password2": word, "usable_password": "true"}
    client.post(reverse("admin:auth_user_add"), form)
    return User.objects.filter(username="newcomer").exists()


def _fail(operation: Operation) -> None:
    engine.advance(operation.pk)
    lease = engine.claim(operation.steps.get().pk, "me")
    assert lease is not None
    engine.fail(lease, {"message": "no"})
    engine.advance(operation.pk)


ACTIONS = {
    _start: STARTING,
    _start_by_form: STARTING,
    _cancel: STARTING,
    _retry: STARTING,
    _skip: STARTING,
    _set_cluster: RULING,
    _add_customer: RULING,
    _add_key: RULING,
    _add_user: RULING,
}


@pytest.mark.parametrize("role", [NOBODY, OUTSIDER, *STAFF])
@pytest.mark.parametrize("act", ACTIONS, ids=lambda act: act.__name__.strip("_"))
def test_actions(
    operation: Operation,
    client_of: Callable[[str], Client],
    role: str,
    act: Callable[[Client, Operation], bool],
) -> None:
    assert act(client_of(role), operation) == (role in ACTIONS[act])


def test_buttons_are_there_for_who_may_press_them(operation: Operation, client_of: Callable[[str], Client]) -> None:
    pages = [
        reverse("admin:clusters_cluster_change", args=[operation.cluster_id]),
        reverse("admin:tasks_operation_change", args=[operation.pk]),
    ]
    for role, there in ((roles.VIEWER, False), (roles.OPERATOR, True)):
        texts = [client_of(role).get(page).content.decode() for page in pages]
        assert ("Start an operation" in texts[0]) == there
        assert [f'{operation.pk}/{verb}/"' in texts[1] for verb in ("cancel", "retry", "skip")] == [there] * 3


def test_an_admin_makes_no_superuser_and_touches_none(client_of: Callable[[str], Client], operation: Operation) -> None:
    boss, me = (
        User.objects.create_superuser("boss", password="long enough for this"),
        User.objects.get(username="admin-1"),
    )
    admin = client_of(roles.ADMIN)
    page = reverse("admin:auth_user_change", args=[me.pk])
    form = {"username": "admin-1", "is_staff": "on", "is_active": "on", "is_superuser": "on"}
    form |= {"date_joined_0": "2026-01-01", "date_joined_1": "00:00:00"}
    granted = Permission.objects.get(codename="delete_cluster")
    groups = [str(Group.objects.get(name=roles.ADMIN).pk)]
    assert admin.post(page, {**form, "groups": groups, "user_permissions": [granted.pk]}).status_code == 302
    me.refresh_from_db()
    assert (me.is_superuser, me.user_permissions.count()) == (False, 0)

    assert admin.post(reverse("admin:auth_user_change", args=[boss.pk]), form).status_code == 403
    password = {"password1": "another long word", "password2": "another long word"}
    assert admin.post(reverse("admin:auth_user_password_change", args=[boss.pk]), password).status_code == 403
    assert admin.post(reverse("admin:auth_user_delete", args=[boss.pk]), {"post": "yes"}).status_code == 403
    many = {"action": "delete_selected", "_selected_action": [boss.pk], "post": "yes"}
    admin.post(reverse("admin:auth_user_changelist"), many)
    boss.refresh_from_db()
    assert boss.check_password("long enough for this")


def test_nobody_gives_more_than_he_may_himself(client_of: Callable[[str], Client], operation: Operation) -> None:
    above, part = Group.objects.create(name="above"), Group.objects.create(name="part")
    above.permissions.add(Permission.objects.get(codename="add_group"))
    part.permissions.add(Permission.objects.get(codename="view_operation"))
    admin, mine = client_of(roles.ADMIN), User.objects.create_user("mine", is_staff=True)
    # Switched off, but whoever sets a password and switches it on again has its rights.
    theirs = User.objects.create_user("theirs", is_staff=True, is_active=False)
    theirs.groups.add(above)
    form = {"is_staff": "on", "is_active": "on", "date_joined_0": "2026-01-01", "date_joined_1": "00:00:00"}

    def give(*groups: Group) -> list[str]:
        body = {**form, "username": "mine", "groups": [group.pk for group in groups]}
        admin.post(reverse("admin:auth_user_change", args=[mine.pk]), body)
        return sorted(mine.groups.values_list("name", flat=True))

    admins = Group.objects.get(name=roles.ADMIN)
    assert give(above, admins) == []
    assert give(admins, part) == ["admin", "part"]
    for page in ("user_change", "user_password_change"):
        word = {"password1": "another long word", "password2": "another long word"}
        answer = admin.post(reverse(f"admin:auth_{page}", args=[theirs.pk]), {**form, **word, "username": "theirs"})
        assert answer.status_code == 403
    many = {"action": "delete_selected", "_selected_action": [theirs.pk], "post": "yes"}
    admin.post(reverse("admin:auth_user_changelist"), many)
    assert User.objects.filter(username="theirs", is_active=False).exists()


def test_roles_get_their_permissions_back_and_others_are_left_alone() -> None:
    viewer, own = Group.objects.get(name=roles.VIEWER), Group.objects.create(name="own")
    dangerous = Permission.objects.get(codename="delete_cluster")
    viewer.permissions.add(dangerous)
    own.permissions.add(dangerous)
    roles.ensure()
    names = set(viewer.permissions.values_list("codename", flat=True))
    assert {name.partition("_")[0] for name in names} == {"view"}
    assert not {"view_operationsecret", "view_idempotentrequest", "view_user"} & names
    assert own.permissions.get() == dangerous
    before = list(Group.objects.values_list("pk", "name", "permissions").order_by("pk", "permissions"))
    roles.ensure()
    assert list(Group.objects.values_list("pk", "name", "permissions").order_by("pk", "permissions")) == before
