from __future__ import annotations

import json

from clusters.ceph.report import read_report
from tests.clusters.ceph.captured import AT, CAPTURED, answers

MARK = "@ceph-1"
ROOK = {"items": [{"status": {"phase": "Ready", "ceph": {"health": "HEALTH_OK", "lastChecked": AT.isoformat()}}}]}


def answer(name: str, text: object, code: int = 0, said: str = "") -> str:
    body = text if isinstance(text, str) else json.dumps(text, indent=1)
    return f"{MARK} begin {name}\n{body}\n{MARK} end {code} {said}\n"


def whole(state: str, **other: str) -> str:
    parts = {
        "resource": answer("resource", ROOK),
        **{name: answer(name, text) for name, text in answers(state).items()},
    }
    return "".join({**parts, **other}.values())


def test_all_answers() -> None:
    report = read_report(whole("osd-down"), MARK, AT)
    assert (report.installed, report.error) == (True, "")
    assert report.state is not None
    assert (report.state.source, report.state.health, len(report.state.osds)) == ("toolbox", "HEALTH_WARN", 6)


def test_without_rook_there_is_no_ceph() -> None:
    said = 'error: the server doesn\'t have a resource type "cephclusters"'
    assert not read_report(answer("resource", "", 1, said), MARK, AT).installed
    assert not read_report(answer("resource", {"items": []}), MARK, AT).installed


def test_an_api_server_that_does_not_answer_is_not_taken_for_no_ceph() -> None:
    report = read_report(answer("resource", "", 1, "connection refused"), MARK, AT)
    assert (report.state, report.installed, report.error) == (None, True, "kubectl: connection refused")


def test_a_report_that_was_cut_off() -> None:
    assert "cut off" in read_report(f"{MARK} begin resource\n{{", MARK, AT).error
    status = answer("status", answers("healthy")["status"])
    report = read_report(f"{answer('resource', ROOK)}{status}{MARK} begin df\n{{", MARK, AT)
    assert report.state is not None
    assert (report.state.source, report.state.osds) == ("toolbox", ())


def test_without_the_toolbox_rooks_word_is_taken() -> None:
    said = 'Error from server (NotFound): deployments.apps "rook-ceph-tools" not found'
    report = read_report(answer("resource", ROOK) + answer("status", "", 1, said), MARK, AT)
    assert report.state is not None
    assert (report.state.source, report.state.health) == ("resource", "HEALTH_OK")
    assert report.error == f"the toolbox does not answer: {said}"


def test_monitors_without_a_quorum() -> None:
    code, said = (CAPTURED / "no-quorum/status.txt").read_text().split("\n", 1)
    status = answer("status", "", int(code.removeprefix("exit code ")), said.strip())
    report = read_report(answer("resource", ROOK) + status, MARK, AT)
    assert report.error == "the toolbox does not answer: timed out"


def test_one_command_that_fails_takes_nothing_from_the_others() -> None:
    report = read_report(whole("healthy", **{"osd-df": answer("osd-df", "", 124)}), MARK, AT)
    assert report.state is not None
    assert report.state.unread == {"osd-df": "no answer in time"}
    assert len(report.state.osds) == 6
    odd = read_report(whole("healthy", versions=answer("versions", {"mon": 3})), MARK, AT).state
    assert odd is not None
    assert odd.unread["versions"].startswith("`ceph versions -f json` answered what cannot be read")
