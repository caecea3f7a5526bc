"""Processes that are forked from this one, and tell it what they do."""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import traceback
from typing import TYPE_CHECKING, Any, NamedTuple

from rynxs.api import RynxsError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    Tell = Callable[..., None]

GO = signal.SIGUSR1
BROKEN = 70
"""Exit status after an error that no command would tell its user."""

_MESSAGE_MAX = 2**16


class Ended(NamedTuple):
    """A process that has ended.

    Attributes:
        told: what it told, in order.
        status: its exit status, negative for the signal that killed it; None if it had to be
            killed because it did not end.
        errors: what it wrote to its standard error.
    """

    told: Sequence[Any]
    status: int | None
    errors: str


class Forked:
    """A process that waits until it is let go, and then does some work.

    What it tells goes through a socket: sinks use none, so that a call that is made to fail in them
    does not fail here. It ends with the exit status that the command line has for an error.
    """

    def __init__(self, work: Callable[[Tell], None], errors: Path) -> None:
        """`errors` is the file that takes its standard error."""
        self._errors = errors
        self._socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {GO})
        self.pid = os.fork()
        if not self.pid:
            _do(work, theirs, errors)
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        theirs.close()
        # What it does until it waits must not be taken for work.
        self._socket.recv(_MESSAGE_MAX)

    def go(self) -> None:
        """Let it work."""
        os.kill(self.pid, GO)

    def abandon(self) -> None:
        """End it before it has begun."""
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        self._socket.close()

    def ended(self, limit_s: float) -> Ended:
        """Wait until it ends, and kill it after so many seconds."""
        told: list[Any] = []
        is_slow = False
        with self._socket as ours:
            while True:
                ready, _, _ = select.select([ours], [], [], limit_s)
                if not ready:
                    is_slow = True
                    break
                message = ours.recv(_MESSAGE_MAX)
                if not message:
                    break
                told.append(json.loads(message))
        if is_slow:
            os.kill(self.pid, signal.SIGKILL)
        _, status = os.waitpid(self.pid, 0)
        exit_status = None if is_slow else os.waitstatus_to_exitcode(status)
        return Ended(told, exit_status, self._errors.read_text())


def _do(work: Callable[[Tell], None], told: socket.socket, errors: Path) -> None:
    """Be the forked process; it leaves nothing to what was to come after the fork."""
    status = BROKEN
    try:
        os.dup2(os.open(errors, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), 2)
        told.sendall(b"ready")
        signal.sigwait({GO})
        work(lambda *facts: told.sendall(json.dumps(facts).encode()))
        status = 0
    except RynxsError as error:
        status = error.exit_code
    except BaseException:  # whatever it is, a user would see this
        os.write(2, traceback.format_exc().encode())
    finally:
        os._exit(status)
