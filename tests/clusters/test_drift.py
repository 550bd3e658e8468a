"""What is no longer as it was installed, as health."""

from __future__ import annotations

import pytest

from clusters.drift import Asked, judge


@pytest.mark.parametrize(
    ("steps", "state", "reason"),
    [
        ([Asked("packages", "t")], "healthy", ""),
        ([], "unknown", "nothing was installed by this service"),
        ([Asked("a", "t"), Asked("b", "t", silent=("w2",))], "unknown", "b could not be told on w2"),
        (
            [Asked("a", "t", silent=("w2",)), Asked("b", "t", ("w1", "w3"))],
            "degraded",
            "b is not as installed on w1, w3; a could not be told on w2",
        ),
    ],
)
def test_the_judgement(steps: list[Asked], state: str, reason: str) -> None:
    seen = judge(steps, "some-id")
    assert (seen.state, seen.reason) == (state, reason)
    assert {row["step"] for row in seen.details["steps"]} == {s.key for s in steps if s.changed or s.silent}
