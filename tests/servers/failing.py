"""What a test shows of a server that it needs and that does not run."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from tests.servers.process import ServerFailed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@contextmanager
def told_plainly() -> Iterator[None]:
    """Let a server that fails fail the test with what it says, and no traceback."""
    try:
        yield
    except ServerFailed as error:
        pytest.fail("\n".join((str(error), *getattr(error, "__notes__", ()))), pytrace=False)


@contextmanager
def logs_kept(session: pytest.Session, what: str, keep: Callable[[], Path]) -> Iterator[None]:
    """Keep logs, and say where they are, if a test has failed meanwhile.

    Args:
        session: Of the tests.
        what: Whose logs, such as `node`.
        keep: Copies them to a directory that it returns.
    """
    failed = session.testsfailed
    yield
    if session.testsfailed > failed:
        pytest.fail(f"The {what}'s logs are in {keep()}", pytrace=False)
