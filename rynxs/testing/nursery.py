"""``python -m rynxs.testing.nursery CONTROL MODULE...``: forks the actors of a kit.

It imports once what they have in common. Over the socket whose file descriptor is CONTROL come
requests, one at a time: a line of JSON, with whose first byte the standard streams of a new actor
are passed. Each is answered by a line with the request's number, and the process number of a new
actor or the exit status of one that has ended.
"""

from __future__ import annotations

import gc
import json
import os
import signal
import socket
import sys
from contextlib import suppress
from importlib import import_module
from typing import TYPE_CHECKING, Any

from rynxs.testing.actor import KILLED_HISTORY, perform
from rynxs.testing.histories import history

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_STREAMS = 3


class _Nursery:
    """Starts actors, and waits for those that it is asked for."""

    def __init__(self, control: socket.socket) -> None:
        self._control = control
        self._lines = control.makefile("rb")
        self._running: set[int] = set()
        self._ended: dict[int, int] = {}

    def serve(self) -> Mapping[str, Any] | None:
        """Serve until there are no more requests; in a new actor, return what it was asked to be.

        That the kit is gone, in whatever way, is the end of its actors too.
        """
        while True:
            begun, streams, _, _ = socket.recv_fds(self._control, 1, _STREAMS)
            if not begun:
                self._kill_all()
                return None
            request: dict[str, Any] = json.loads(begun + self._lines.readline())
            if "wait" in request:
                answer = self._exit_status(request["wait"])
            else:
                answer = os.fork()
                if not answer:
                    self._lines.close()
                    self._control.close()
                    _become(request, streams)
                    return request
                self._running.add(answer)
            for stream in streams:
                os.close(stream)
            with suppress(BrokenPipeError):  # the kit has just gone, as the next request shows
                self._control.sendall(b"%s\n" % json.dumps([request["number"], answer]).encode())

    def _exit_status(self, pid: int) -> int:
        """Wait for an actor; until then nothing else can have its process number."""
        if pid in self._running:
            _, ended = os.waitpid(pid, 0)
            self._running.remove(pid)
            self._ended[pid] = os.waitstatus_to_exitcode(ended)
        return self._ended[pid]

    def _kill_all(self) -> None:
        for pid in self._running:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def _become(request: Mapping[str, Any], streams: Sequence[int]) -> None:
    """Take the standard streams, the environment and the directory that an actor is to have."""
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    os.environ.clear()
    os.environ.update(request["environment"])
    os.chdir(request["directory"])
    sys.path[:] = request["path"]
    signal.signal(signal.SIGINT, signal.default_int_handler)


def main(control: int, modules: Sequence[str]) -> None:
    """Serve, and do what an order says in each process that is forked."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever is interrupted ends this one
    for module in modules:
        import_module(module)
    history(KILLED_HISTORY)
    gc.freeze()  # so that collecting does not copy what the actors share
    asked = _Nursery(socket.socket(fileno=control)).serve()
    if asked is not None:
        perform(asked["order"])


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
