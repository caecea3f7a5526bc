"""The network: requests and answers, each of which may be lost, late, or come twice."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from rynxs.simulation.world import SECOND

if TYPE_CHECKING:
    from collections.abc import Callable

    from rynxs.simulation.faults import Faults
    from rynxs.simulation.machine import OsProcess
    from rynxs.simulation.world import World

    Answered = Callable[[Any, Exception | None], None]

_LATENCY_US = 200, 8_000
_LATE_US = 1 * SECOND, 90 * SECOND
_STOPPED_US = 5 * SECOND, 60 * SECOND


class Unanswered(Exception):
    """There was no answer.

    Attributes:
        was_sent: whether the request may have been carried out, or may still be.
    """

    def __init__(self, *, was_sent: bool) -> None:
        super().__init__("no answer in time" if was_sent else "can't connect")
        self.was_sent = was_sent


class Request(NamedTuple):
    """What is asked of a server.

    Attributes:
        server: its name.
        what: of the trace.
        effect: carries it out, and returns the answer or raises what is to be answered.
        limit_us: so long an answer is waited for.
    """

    server: str
    what: str
    effect: Callable[[], Any]
    limit_us: int


class Network:
    """Carries requests between processes and servers."""

    def __init__(self, world: World, faults: Faults) -> None:
        """Be whole."""
        self._world = world
        self._faults = faults
        self._chance = world.chance("network")
        self._cut: set[tuple[str, str]] = set()

    def cut(self, machine: str, server: str) -> None:
        """Let nothing through between a machine and a server."""
        self._cut.add((machine, server))

    def mend(self) -> None:
        """Let everything through again."""
        self._cut.clear()

    def is_cut(self, process: OsProcess, server: str) -> bool:
        """Tell whether nothing comes through."""
        return (process.machine.name, server) in self._cut

    def latency_us(self) -> int:
        """Return how long a message takes."""
        return self._chance.randrange(*_LATENCY_US)

    def late_us(self) -> int:
        """Return how long a message takes that is late."""
        return self._chance.randrange(*_LATE_US)

    def ask(self, process: OsProcess, request: Request, answered: Answered) -> None:
        """Send a request; `answered` is called once, unless the process has died by then."""
        if self._happens("killed before it is sent", request):
            process.fail()
        elif self._happens("stopped before it is sent", request):
            # Whatever was asked before it, such as whether one leads, may be otherwise by then.
            process.stop()
            process.after(0, lambda: self._send(process, request, answered))
            self._world.after(self._chance.randrange(*_STOPPED_US), process.go_on)
        else:
            self._send(process, request, answered)

    def _send(self, process: OsProcess, request: Request, answered: Answered) -> None:
        if self._happens("connection refused", request):
            process.after(self.latency_us(), lambda: answered(None, Unanswered(was_sent=False)))
            return
        is_open = True

        def answer(result: Any, error: Exception | None) -> None:
            nonlocal is_open
            if is_open:
                is_open = False
                answered(result, error)

        def arrive() -> None:
            self._arrive(process, request, answer)

        process.after(request.limit_us, lambda: answer(None, Unanswered(was_sent=True)))
        if self._happens("request lost", request):
            return
        late_us = self.late_us() if self._happens("request late", request) else 0
        self._world.after(late_us + self.latency_us(), arrive)
        if self._happens("request twice", request):
            self._world.after(self.late_us(), arrive)

    def _arrive(self, process: OsProcess, request: Request, answer: Answered) -> None:
        if self.is_cut(process, request.server):
            return
        result, error = None, None
        try:
            result = request.effect()
        except Exception as raised:
            error = raised
        if self._happens("killed after the effect", request):
            process.fail()
        if self.is_cut(process, request.server) or self._happens("answer lost", request):
            return
        late_us = self.late_us() if self._happens("answer late", request) else 0
        process.after(late_us + self.latency_us(), lambda: answer(result, error))

    def _happens(self, kind: str, request: Request) -> bool:
        return self._faults.happens("network", kind, request.what)
