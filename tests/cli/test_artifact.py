from __future__ import annotations

import pytest

from cli.artifact import artifact_parameter
from cli.errors import CliError

SUM = "ab" * 32


@pytest.mark.parametrize(
    ("given", "sha256", "parameter"),
    [
        ("", "", None),
        ("http://host/a.tar.gz", SUM.upper(), {"url": "http://host/a.tar.gz", "sha256": SUM}),
        ("3k.tar.gz", SUM, {"file": "3k.tar.gz", "sha256": SUM}),
        ("./v1/3k.tar.gz", "", {"file": "v1/3k.tar.gz"}),
        ("/root/3k/artifact", "", {"path": "/root/3k/artifact"}),
    ],
)
def test_parameter(given: str, sha256: str, parameter: dict[str, str] | None) -> None:
    assert artifact_parameter(given, sha256) == parameter


@pytest.mark.parametrize(
    ("given", "sha256", "message"),
    [
        ("ftp://host/a", "", "only http"),
        ("https://host/a.tar.gz", "", "needs its checksum"),
        ("https:///a", "", "only http"),
        ("../a.tar.gz", "", "no name below"),
        ("~/a.tar.gz", "", "no name below"),
        ("/root/a.tar.gz", "", "looks like an archive"),
        ("/root/a", SUM, "does not go with a directory"),
        ("a.tar.gz", "abc", "no SHA-256"),
        ("", SUM, "without --artifact"),
    ],
)
def test_refused_with_a_fix(given: str, sha256: str, message: str) -> None:
    with pytest.raises(CliError, match=message) as error:
        artifact_parameter(given, sha256)

    assert error.value.hint
