from __future__ import annotations

from collections.abc import Iterator

import pytest

from lab.base import Shape
from lab.hosts import Lab
from tests.lab_fixtures import name_of_run


@pytest.fixture
def second_lab(lab: Lab) -> Iterator[Lab]:
    """One master and one worker beside the run's lab; not up yet."""
    made = Lab(name_of_run("second"), Shape(masters=1, workers=1, disks=2))
    try:
        yield made
    finally:
        made.down()
