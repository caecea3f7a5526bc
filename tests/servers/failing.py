"""What a test shows of a server that it needs and that does not run."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from tests.servers.process import ServerFailed

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def told_plainly() -> Iterator[None]:
    """Let a server that fails fail the test with what it says, and no traceback."""
    try:
        yield
    except ServerFailed as error:
        pytest.fail("\n".join((str(error), *getattr(error, "__notes__", ()))), pytrace=False)
