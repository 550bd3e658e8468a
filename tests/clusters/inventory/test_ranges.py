"""Ranges of host names."""

from __future__ import annotations

import pytest

from clusters.inventory import MAX_HOSTS, RangeError, expand


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("master1", ["master1"]),
        ("master[1:3]", ["master1", "master2", "master3"]),
        ("master[2:2]", ["master2"]),
        ("node[9:11]", ["node9", "node10", "node11"]),
        ("worker[08:10]", ["worker08", "worker09", "worker10"]),
        ("worker[099:101]", ["worker099", "worker100", "worker101"]),
        ("rack[0:1]-gpu", ["rack0-gpu", "rack1-gpu"]),
    ],
)
def test_a_range_is_expanded_with_both_ends(text: str, names: list[str]) -> None:
    assert list(expand(text)) == names


def test_a_padded_range_keeps_its_width() -> None:
    assert expand("worker[01:10]") == tuple(f"worker{number:02d}" for number in range(1, 11))


@pytest.mark.parametrize(
    ("text", "message", "fix"),
    [
        ("worker[3:1]", "The range 'worker[3:1]' runs backwards.", "Write it as worker[1:3]."),
        ("worker[1-3]", "'worker[1-3]' is no range of host names.", "Write it as worker[1:3]."),
        ("worker[1..3]", "'worker[1..3]' is no range of host names.", "Write it as worker[1:3]."),
        ("worker[1：3]", "'worker[1：3]' is no range of host names.", "Write it as worker[1:3]."),
        ("worker[1:3", "'worker[1:3' is no range of host names.", "Write it as worker[1:3]."),
        ("worker[a:c]", "'worker[a:c]' is no range of host names.", "Write it as worker[1:3]."),
        ("a[1:2]b[1:2]", "'a[1:2]b[1:2]' is no range of host names.", "Write it as worker[1:3]."),
        (
            "worker[1:010]",
            "The ends of the range 'worker[1:010]' have different widths.",
            "Write both with the same number of digits: worker[001:010].",
        ),
        (
            "worker[1:999999999]",
            "The range 'worker[1:999999999]' has 999999999 names.",
            f"A cluster has at most {MAX_HOSTS} hosts; shorten it.",
        ),
    ],
)
def test_what_is_no_range_is_refused_with_the_fix(text: str, message: str, fix: str) -> None:
    with pytest.raises(RangeError) as caught:
        expand(text)
    assert (str(caught.value), caught.value.fix) == (message, fix)
