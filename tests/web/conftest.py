"""Real Chromium on real pages: the service's web server, workers and SSH hosts of the tests of operations.

A page's complaints (errors on the console, refusals of its Content-Security-Policy, failed requests) fail its test.
Pictures are kept in var/screenshots.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.contrib.auth.models import Group, User
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Response, expect, sync_playwright

from clusters.models import AccessKey
from lab import browser as installed
from tests.asgi import asgi_server
from tests.tasks.conftest import access_key, cluster, fleet, three  # noqa: F401 - fixtures
from tests.tasks.remote.conftest import servers  # noqa: F401 - a fixture
from tests.workers import ROOT

PICTURES = ROOT / "var" / "screenshots"
WIDE, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}
SERIOUS = ("serious", "critical")
PASSWORD = "long enough for this"
expect.set_options(timeout=60_000)


class Chromium:
    """One browser for all tests in a row that use it."""

    def __init__(self) -> None:
        self._started: Browser | None = None
        self._ends = ExitStack()

    def start(self) -> Browser:
        if self._started is None:
            patched = self._ends.enter_context(pytest.MonkeyPatch.context())
            patched.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")  # or Django refuses to query beside Playwright's loop
            playwright = self._ends.enter_context(sync_playwright())
            # As root there is no sandbox to be had; the pages are our own.
            arguments = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
            self._started = playwright.chromium.launch(executable_path=str(installed.CHROMIUM), args=arguments)
            self._ends.callback(self._started.close)
        return self._started

    def stop(self) -> None:
        self._started = None
        self._ends.close()


CHROMIUM = Chromium()


@pytest.fixture
def browser() -> Browser:
    if lacking := installed.missing():
        pytest.skip(f"the tests of pages need {', '.join(lacking)}: python -m lab setup --browser")
    return CHROMIUM.start()


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(nextitem: Any) -> None:
    """Playwright runs an event loop in this thread, which tests without a browser do not expect."""
    if "browser" not in getattr(nextitem, "fixturenames", ()):
        CHROMIUM.stop()


class Visitor:
    """Somebody with a browser of their own; what their pages complain of is kept in `complaints`."""

    def __init__(self, browser: Browser, base: str, **how: Any) -> None:
        self.base, self.complaints = base, list[str]()
        self.context: BrowserContext = browser.new_context(base_url=base, **{"viewport": WIDE, **how})
        self.context.set_default_timeout(30_000)
        self.page: Page = self.context.new_page()
        self.page.on("console", self._said)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("response", self._answered)

    def _said(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(f"{message.text} ({self.page.url})")

    def _answered(self, answer: Response) -> None:
        if answer.status >= 400:
            self.complaints.append(f"{answer.status} {answer.url}")

    def log_in(self, value: str) -> Page:
        """To the customer's page."""
        self.page.goto("/console/")
        self.page.get_by_label(re.compile("^(Access key|访问密钥)$")).fill(value)
        self.page.locator("form[action$=login] button").click()
        self.page.wait_for_url("**/console/")
        return self.page

    def log_out(self) -> None:
        """Of the customer's page."""
        self.page.locator("form[action$=logout] button").click()
        self.page.wait_for_url("**/console/login")

    def log_in_as_operator(self, name: str) -> Page:
        """To the admin."""
        self.page.goto("/admin/login/?next=/admin/")
        self.page.locator("[name=username]").fill(name)
        self.page.locator("[name=password]").fill(PASSWORD)
        self.page.locator("form button[type=submit], form input[type=submit]").first.click()
        self.page.wait_for_url("**/admin/")
        return self.page

    def offline(self, look: Callable[[], object]) -> None:
        """Without a network for as long as `look` takes; that requests fail meanwhile is no complaint."""
        before = list(self.complaints)
        self.context.set_offline(True)
        look()
        self.context.set_offline(False)
        others = [one for one in self.complaints if "ERR_INTERNET_DISCONNECTED" not in one]
        self.complaints[:] = [*before, *others[len(before) :]]

    def picture(self, name: str) -> None:
        PICTURES.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=PICTURES / f"{name}.png", full_page=True)

    def is_accessible(self) -> None:
        """What axe-core calls serious or critical fails; so does a page that is wider than its window."""
        found = Axe().run(self.page).response["violations"]
        bad = [
            f"{one['id']}: {one['help']}: {[node['html'][:200] for node in one['nodes'][:3]]}"
            for one in found
            if one["impact"] in SERIOUS
        ]
        assert not bad, "\n".join([self.page.url, *bad])
        wide = self.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide <= 0, f"{self.page.url} is {wide} px wider than its window"


@pytest.fixture
def visitor(browser: Browser, web: str) -> Iterator[Callable[..., Visitor]]:
    """Makes visitors; at the end of the test none of their pages may have complained."""
    made: list[Visitor] = []

    def make(**how: Any) -> Visitor:
        made.append(Visitor(browser, web, **how))
        return made[-1]

    yield make
    for one in made:
        one.context.close()
    assert not [complaint for one in made for complaint in one.complaints]


@pytest.fixture(scope="session")
def web(django_db_setup: None, django_db_blocker: Any) -> Iterator[str]:
    """One web server for all tests here; each begins with an empty database."""
    with django_db_blocker.unblock(), asgi_server(DJANGO_ALLOW_ASYNC_UNSAFE="") as base:
        yield base


@pytest.fixture
def key_value(access_key: AccessKey) -> str:  # noqa: F811
    return access_key.value


@pytest.fixture
def operator(transactional_db: None) -> User:
    return User.objects.create_superuser("op", password=PASSWORD)


@pytest.fixture
def viewer(transactional_db: None) -> User:
    made = User.objects.create_user("looks-on", password=PASSWORD, is_staff=True)
    made.groups.add(Group.objects.get(name="viewer"))
    return made
