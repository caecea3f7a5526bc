"""Other processes that use the log: started, let go, listened to, killed."""

from __future__ import annotations

import atexit
import json
import os
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rynxs.errors import PluginError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_STANDARD_ERROR = 2


class Nursery:
    """The process from which actors are forked; it ends with this one, and so do they."""

    def __init__(self, modules: Sequence[str]) -> None:
        """Start it; it imports `modules`."""
        self._owner = os.getpid()
        self._asked = 0
        self._control, its_control = socket.socketpair()
        with its_control:
            number = its_control.fileno()
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "rynxs.testing.nursery", str(number), *modules],
                env={**os.environ, "PYTHONPATH": os.pathsep.join(_path())},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=[number],
            )
        self._answers = self._control.makefile("rb")
        atexit.register(self.close)

    def fork(self, order: Mapping[str, Any], streams: Sequence[int]) -> int:
        """Start an actor, in the environment and the directory of this process.

        Args:
            order: what it is to do.
            streams: file descriptors of its standard streams.

        Returns:
            Its process number, which stays its own until its exit status was asked for.

        Raises:
            PluginError: the nursery has ended.
        """
        return self._ask(
            {
                "order": order,
                "environment": dict(os.environ),
                "directory": str(Path.cwd()),
                "path": _path(),
            },
            streams,
        )

    def exit_status(self, pid: int) -> int:
        """Return the exit status of an actor once it has ended; below 0 is a signal.

        Raises:
            PluginError: the nursery has ended.
        """
        return self._ask({"wait": pid}, ())

    def is_running(self) -> bool:
        """Tell whether it can be asked."""
        return self._process.poll() is None

    def close(self) -> None:
        """End it."""
        if os.getpid() != self._owner:
            return
        with suppress(OSError):  # it has ended before
            self._control.shutdown(socket.SHUT_RDWR)
        self._answers.close()
        self._control.close()
        self._process.wait()

    def _ask(self, request: Mapping[str, Any], streams: Sequence[int]) -> int:
        self._asked += 1
        line = json.dumps({**request, "number": self._asked}).encode() + b"\n"
        with suppress(ConnectionError):
            sent = socket.send_fds(self._control, [line], streams)
            self._control.sendall(line[sent:])
            for answer in self._answers:
                number, value = json.loads(answer)
                if number == self._asked:  # others are of requests that were interrupted
                    return int(value)
        how = self._process.wait()
        raise PluginError(
            f"the process that other processes are forked from ended with exit status {how}"
        )


class Actor:
    """A process that does what an order says, and tells what has happened."""

    def __init__(self, nursery: Nursery, order: Mapping[str, Any]) -> None:
        """Start it.

        Raises:
            PluginError: the nursery has ended.
        """
        self._nursery = nursery
        self._exit_status: int | None = None
        its_input, to_it = os.pipe()
        from_it, its_output = os.pipe()
        self._input = os.fdopen(to_it, "w", encoding="utf-8")
        self._output = os.fdopen(from_it, encoding="utf-8")
        try:
            self._pid = nursery.fork(order, [its_input, its_output, _STANDARD_ERROR])
        except BaseException:
            self._close()
            raise
        finally:
            os.close(its_input)
            os.close(its_output)

    def go(self) -> None:
        """Let it go on from where it waits."""
        with suppress(BrokenPipeError):  # it has ended, as its output will show
            self._input.write("go\n")
            self._input.flush()

    def told(self) -> dict[str, Any] | None:
        """Return the next that it tells; None once it has ended."""
        line = self._output.readline()
        return json.loads(line) if line else None

    def rest(self) -> Iterator[dict[str, Any]]:
        """Yield what it tells until it ends."""
        while (facts := self.told()) is not None:
            yield facts

    def kill(self) -> None:
        """Kill it, if it has not ended; what it told can still be read."""
        if self._exit_status is None:
            with suppress(ProcessLookupError):
                os.kill(self._pid, signal.SIGKILL)

    def wait(self) -> int:
        """Return its exit status once it has ended; below 0 is a signal."""
        if self._exit_status is None:
            self._exit_status = self._nursery.exit_status(self._pid)
        return self._exit_status

    def end(self) -> None:
        """Kill it, and leave nothing behind."""
        self.kill()
        with suppress(PluginError):
            self.wait()
        self._close()

    def _close(self) -> None:
        with suppress(BrokenPipeError):  # by what it never read
            self._input.close()
        self._output.close()


def nursery(modules: Sequence[str]) -> Nursery:
    """Return the nursery that has imported some modules, one for all tests of this process."""
    found = _NURSERIES.get(tuple(modules))
    if found is None or not found.is_running():
        found = _NURSERIES[tuple(modules)] = Nursery(modules)
    return found


_NURSERIES: dict[tuple[str, ...], Nursery] = {}


def _path() -> list[str]:
    return [path or os.curdir for path in sys.path]
