"""Files that can't be closed properly, and claims that can't be given up: all the same they are."""

from __future__ import annotations

import errno
import fcntl
import os
from typing import TYPE_CHECKING, Any

from rynxs.testing.histories import history
from rynxs_sink_lmdb.place import FLOCK

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pytest


def _refusal() -> OSError:
    return OSError(errno.EIO, os.strerror(errno.EIO))


def test_an_error_at_the_end_of_a_log_that_is_closed_is_nobodys(
    log_path: Path, open_writer: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = open_writer(log_path)
    writer.append(0, history(3))
    real = os.close

    def closing(descriptor: int) -> None:
        real(descriptor)  # Linux closes it even where it reports an error
        raise _refusal()

    with monkeypatch.context() as patch:
        patch.setattr(os, "close", closing)
        writer.close()
    assert tuple(open_writer(log_path).read()) == history(3)


def test_a_batch_is_acknowledged_and_the_next_let_in_when_the_claim_was_not_given_up_properly(
    log_path: Path, open_writer: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = open_writer(log_path)
    real = fcntl.fcntl
    refused = 0

    def unlocking(descriptor: int, command: int, argument: Any = 0) -> Any:
        nonlocal refused
        if command == fcntl.F_OFD_SETLK and FLOCK.unpack(argument)[0] == fcntl.F_UNLCK:
            refused += 1
            raise _refusal()
        return real(descriptor, command, argument)

    with monkeypatch.context() as patch:
        patch.setattr(fcntl, "fcntl", unlocking)
        for start in (0, 3):
            writer.append(start, history(6)[start : start + 3])
    assert refused == 2
    assert tuple(writer.read()) == history(6)
