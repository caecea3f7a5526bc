from __future__ import annotations

import pytest

from tests.unit.engine.conftest import Kit


@pytest.fixture
def kit() -> Kit:
    """What the tests of the engine share."""
    return Kit()
