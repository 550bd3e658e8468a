from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from django.conf import settings


@pytest.fixture
def open_path() -> Path:
    """A directory that PostgreSQL's user can pass: each start of pytest closes pytest's own to all but one user."""
    path = Path(tempfile.mkdtemp(dir=Path(settings.STATIC_ROOT).parent))
    path.chmod(0o755)
    return path
