"""A fixture web for each test that asks for one."""

from collections.abc import Iterator

import pytest
from fakes.web.server import Web


@pytest.fixture
def web() -> Iterator[Web]:
    """Run servers for one test."""
    with Web() as web:
        yield web
