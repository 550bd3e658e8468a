from tests.api import api  # noqa: F401 - a fixture
