"""A customer watches an operation in a real browser: real workers run it over real SSH."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from clusters.models import Cluster
from tasks import engine
from tasks.engine.change import changing
from tasks.models import HostJob, LogChunk
from tests.tasks.conftest import plan, step
from tests.tasks.driven import finish, start
from tests.web.conftest import PHONE, Visitor
from tests.workers import Fleet

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600)]
LINES = 200
TALK = f"""
printf '\\033[32mgreen\\033[0m \\033[1;31mred\\033[0m \\033[38;5;208morange\\033[0m \\033]0;a title\\007<b>&amp;</b>\\n'
i=0
while [ $i -lt {LINES} ]; do echo "line $i of $SANQIAN_HOST, long enough to be read by somebody"; i=$((i+1)); done
printf '10 %%\\r20 %%\\r30 %%\\n'
echo "::progress 40 pushing image 4 of 10"
until test -e {{go}}; do sleep 0.1; done
echo "the last line of $SANQIAN_HOST"
"""
REFUSE = "echo 'error: there is no room in /data'; echo 'Fix: Make 5 GB free.'; exit 1"


def log_text(page: Page) -> str:
    return page.locator("[data-lines]").inner_text()


def number(line: Locator) -> int:
    """Of a line "host1 line 17 xxx"."""
    return int(line.inner_text().split()[2])


def test_an_operation_is_watched_to_its_end(
    cluster: Cluster, fleet: Fleet, key_value: str, visitor: Callable[..., Visitor], tmp_path: Path
) -> None:
    fleet.worker()
    fleet.beat()
    go = tmp_path / "go"
    what = plan(
        step("prepare", "echo preparing", "host1", "host2", "host3"),
        step("talk", TALK.format(go=go), "host1", "host2", after=("prepare",)),
        step("refuse", REFUSE, "host2", after=("talk",)),
        step("last", "true", after=("refuse",)),
    )
    operation = start(cluster, what)
    who = visitor()
    page = who.log_in(key_value)
    page.get_by_role("link", name=cluster.name).click()
    page.get_by_role("link", name="test").first.click()
    talk = page.locator(".live-step[data-step=talk]")

    expect(talk.locator(".live-host")).to_have_count(2)
    expect(talk).to_contain_text("pushing image 4 of 10")
    expect(page.locator("[data-value=connection]")).to_have_text("live")
    log = page.locator("[data-log]")
    for host in ("host1", "host2"):
        expect(log).to_contain_text(f"line {LINES - 1} of {host}")
    expect(log.locator(".ansi-fg-2").first).to_have_text("green")
    expect(log.get_by_text("orange").first).to_have_css("color", "rgb(255, 135, 0)")
    assert "<b>&amp;</b>" in log_text(page) and "a title" not in log_text(page)
    assert "10 %" not in log_text(page) and "30 %" in log_text(page)
    at_end = "box => box.scrollHeight - box.scrollTop - box.clientHeight < 4"
    assert log.evaluate(at_end)
    who.picture("operation-running")
    who.is_accessible()

    # What comes while the connection is away is neither missed nor shown twice; what is read is not moved.
    follow = page.get_by_role("button", name="Follow")
    follow.click()
    who.offline(lambda: expect(page.locator("[data-value=connection]")).to_contain_text("connection lost"))
    go.touch()
    summary = page.locator(".live-summary [data-value=state]")
    expect(summary).to_have_text("failed")
    expect(page.locator("[data-log-news]")).to_have_text(re.compile(r"new lines: \d+"))
    assert "the last line" not in log_text(page)
    follow.click()
    for host in ("host1", "host2"):
        expect(log.get_by_text(f"the last line of {host}")).to_have_count(1)
    expect(page.locator(".live-head > .live-error")).to_contain_text("there is no room in /data")
    expect(page.locator(".live-head > .live-error")).to_contain_text("What to do: Make 5 GB free.")
    expect(page.locator("[data-value=counts]")).to_have_text("2 / 4")
    assert finish(operation, fleet) == "failed"
    expect(page.locator(".live-actions")).to_have_count(0)
    who.picture("operation-failed")

    # One step, one host, some words; and all of it as a file.
    talk.get_by_role("button", name="show its log").click()
    page.get_by_role("combobox", name="host").select_option("host2")
    page.get_by_role("searchbox").fill("LINE 7 of")
    expect(log.locator(".live-line")).to_have_count(1)
    expect(log.locator("mark")).to_have_text("line 7 of")
    who.picture("operation-search")
    with page.expect_download() as download:
        page.get_by_role("link", name="Download").click()
    lines = Path(download.value.path()).read_text().splitlines()
    assert len(lines) == LINES + 3
    assert all(line.startswith("talk host2 | ") for line in lines)
    page.get_by_role("searchbox").fill("nowhere to be found")
    expect(page.get_by_text("There is no output.")).to_be_visible()

    page.set_viewport_size(PHONE)
    page.reload()
    expect(log).to_contain_text("the last line of host1")
    who.picture("operation-phone")
    who.is_accessible()


def test_of_a_long_log_the_page_holds_a_part(cluster: Cluster, key_value: str, visitor: Callable[..., Visitor]) -> None:
    """20 MB in 40,000 lines, then 5 MB more while it is watched."""
    operation = engine.create(cluster, plan(step("one", "true")).validate(["host1"]), {})
    job = HostJob.objects.create(step=operation.steps.get(), host="host1")
    written = 0

    def write(chunks: int) -> None:
        nonlocal written
        with changing(operation.pk) as change:
            assert change is not None
            for _ in range(chunks):
                text = "".join(f"line {written + n} {'x' * 485}\n" for n in range(100))
                change.log(job, 500 * written, len(text), text)
                written += 100

    write(400)
    who = visitor()
    page = who.log_in(key_value)
    page.goto(f"/console/operations/{operation.pk}")
    log = page.locator("[data-log]")
    expect(log).to_contain_text(f"line {written - 1} ")
    assert page.locator(".live-line").count() <= 5000
    first = page.locator(".live-line").first
    for _ in range(4):
        before = number(first)
        log.evaluate("box => box.scrollTop = 0")
        page.get_by_role("button", name="Load earlier output").click()
        expect(first).not_to_contain_text(f"line {before} ")
        assert number(first) < before
        # What was read is still on the screen.
        expect(page.get_by_text(f"line {before} ")).to_be_in_viewport()
        assert page.locator(".live-line").count() <= 5000
    write(100)
    expect(page.locator("[data-log-news]")).to_have_text("new lines: 10000")
    page.get_by_role("button", name="Load later output").click()
    page.get_by_role("button", name="Follow").click()
    expect(log).to_contain_text(f"line {written - 1} ")
    write(100)
    expect(log).to_contain_text(f"line {written - 1} ")
    assert page.locator(".live-line").count() <= 5000
    assert LogChunk.objects.count() == 600
