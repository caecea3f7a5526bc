from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import structlog

from tests.unit.engine.conftest import Kit

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def kit() -> Kit:
    """What the tests of the engine share."""
    return Kit()


@pytest.fixture(autouse=True)
def all_is_logged() -> Iterator[None]:
    """Let every level be logged, whatever a command that ran before has configured."""
    before = structlog.get_config()
    structlog.reset_defaults()
    yield
    structlog.configure(**before)
