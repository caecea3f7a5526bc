"""The promises about I/O that fails: one of three errors, nothing lost, and the log goes on."""

from __future__ import annotations

import sys
from contextlib import ExitStack, contextmanager, suppress
from importlib import import_module
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import pytest

from rynxs.errors import SinkError, SinkUnavailable
from rynxs.testing.histories import history
from rynxs.testing.sink.erasing import erased
from rynxs.testing.sink.subject import SinkUnderTest, append_batches

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from rynxs.eventlog.sink import Sink
    from rynxs.testing.sink.subject import Place

_COUNTS = (2, 5, 1)
_ERASED = (3, 4)  # of one batch, with a salt and without
_USES_MAX = 500
_NEVER = sys.maxsize
_HEAP_TYPE = 1 << 9  # Py_TPFLAGS_HEAPTYPE: a class made by Python code, whose attributes can be set


class IOCall(NamedTuple):
    """A function through which the sink reaches its medium, and which can fail undone.

    One that does its work even as it reports an error, as `os.close` does, is none of these.

    Attributes:
        target: ``module:attribute``, such as ``os:fsync`` or ``http.client:HTTPConnection.send``.
        error: makes what it raises when it fails.
        may_have_happened: whether it can fail after it has done its work, as a request whose answer
            is lost.
    """

    target: str
    error: Callable[[], Exception]
    may_have_happened: bool = False


class Fault:
    """A call that fails at its n-th use, or from then on."""

    def __init__(self, call: IOCall, occurrence: int, lasts: float, *, after: bool) -> None:
        self._call = call
        self._first = occurrence
        self._last = occurrence + lasts
        self._after = after
        self.uses = 0

    @contextmanager
    def injected(self) -> Iterator[None]:
        """Let it fail within."""
        module, _, path = self._call.target.partition(":")
        *owners, name = path.split(".")
        owner: Any = import_module(module)
        for each in owners:
            owner = getattr(owner, each)
        real = getattr(owner, name, None)
        if not callable(real) or (isinstance(owner, type) and not owner.__flags__ & _HEAP_TYPE):
            pytest.fail(
                f"io_calls: {self._call.target} is nothing that can be replaced; give a C type's "
                "methods a module of functions, as docs/PLUGINS.md describes"
            )

        def failing(*args: Any, **options: Any) -> Any:
            self.uses += 1
            if not self._first <= self.uses <= self._last:
                return real(*args, **options)
            if self._after:
                real(*args, **options)
            raise self._call.error()

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(owner, name, failing)
            yield


class FailingIO(SinkUnderTest):
    """Promises about failing I/O.

    Attributes:
        io_calls: every call by which the sink reaches its medium, so that each is made to fail.
        failing_uses: at how many of its uses each of them is made to fail: the first, the last,
            and others evenly between. None for each use.
    """

    io_calls: ClassVar[Sequence[IOCall]] = ()
    failing_uses: ClassVar[int | None] = None

    def test_a_call_that_fails_once_loses_nothing(self, places: Iterator[Place]) -> None:
        """Whichever use of it fails: a sink's error or none, then the same bytes once more."""
        self._fail_everywhere(places, 0, after=False)

    def test_a_call_that_fails_for_a_while_loses_nothing(self, places: Iterator[Place]) -> None:
        """An outage that begins at any use of it."""
        self._fail_everywhere(places, float("inf"), after=False)

    def test_a_call_that_fails_but_was_carried_out_loses_and_doubles_nothing(
        self, places: Iterator[Place]
    ) -> None:
        """The answer is lost, the work is done."""
        self._fail_everywhere(places, 0, after=True)

    def _fail_everywhere(self, places: Iterator[Place], lasts: float, *, after: bool) -> None:
        calls = [call for call in self.io_calls if call.may_have_happened or not after]
        if not calls:
            pytest.skip("io_calls names none; a plugin's own tests do, if any")
        uses = _uses(next(places), calls)
        for call in calls:
            assert uses[call.target], (
                f"io_calls: {call.target} is never called; is it looked up where it is "
                "replaced, as os.fsync(...) and not by 'from os import fsync'?"
            )
            for occurrence in self._chosen(call, uses[call.target]):
                fault = Fault(call, occurrence, lasts, after=after)
                _use_through(next(places), fault, f"{call.target}, use {occurrence}")

    def _chosen(self, call: IOCall, uses: int) -> Iterable[int]:
        """Return at which of its uses a call is to fail, counted from 1."""
        if self.failing_uses is None:
            assert uses <= _USES_MAX, (
                f"{call.target} is used {uses} times; say in failing_uses at how many it is to fail"
            )
            return range(1, uses + 1)
        assert self.failing_uses > 1, "failing_uses: at least 2, the first and the last"
        step = (uses - 1) / (self.failing_uses - 1)
        return sorted({1 + round(step * number) for number in range(self.failing_uses)})


def _uses(place: Place, calls: Sequence[IOCall]) -> Mapping[str, int]:
    """Return how often each call is used while none fails."""
    faults = {call.target: Fault(call, _NEVER, 0, after=False) for call in calls}
    with ExitStack() as stack:
        for fault in faults.values():
            stack.enter_context(fault.injected())
        use = _Use(place, "with no failing call")
        use.begin()
        use.close()
    return {target: fault.uses for target, fault in faults.items()}


class _Use:
    """A use of a log that a failure may end anywhere: what was acknowledged, and what was not."""

    def __init__(self, place: Place, where: str) -> None:
        self._place = place
        self._where = where
        self._opened: list[Sink] = []
        self._acknowledged = 0
        self._pending = 0
        self._erasure_acknowledged = False

    def begin(self) -> None:
        """Make the log, use all of it, and open it again."""
        for _ in range(2):
            sink = self._place.writer()
            self._opened.append(sink)
            size = sink.size()
            assert size >= self._acknowledged, self._lost(size)
            self._acknowledged = size
            for count in _COUNTS:
                self._pending = count
                self._append(sink)
            sink.erase(_ERASED)
            self._erasure_acknowledged = True
            list(sink.read())
            sink.put("name", b"data")
            assert sink.get("name") is not None
            sink.list()
            sink.delete("name")
            sink.close()

    def send_again(self) -> None:
        """Send what was refused as unavailable once more, now that nothing fails."""
        if self._opened and self._pending:
            # Closed, or broken until it is opened again: that is allowed. A conflict is not.
            with suppress(SinkUnavailable):
                self._append(self._opened[-1])
        elif self._opened and self._acknowledged > _ERASED[-1]:
            with suppress(SinkUnavailable):
                self._opened[-1].erase(_ERASED)
                self._erasure_acknowledged = True

    def close(self) -> None:
        """Close what is open."""
        for sink in self._opened:
            with suppress(SinkError):
                sink.close()

    def check(self) -> None:
        """Open the log as after a crash: all is there, once, and it goes on."""
        sink = self._place.writer()
        found = list(sink.read())
        assert len(found) >= self._acknowledged, self._lost(len(found))
        for seq, (record, wanted) in enumerate(zip(found, history(len(found)), strict=True)):
            gone = seq in _ERASED and record == erased(wanted)
            assert gone or record == wanted, f"{self._where}: record {seq} differs"
            if seq in _ERASED and self._erasure_acknowledged:
                assert gone, f"{self._where}: the erasure of record {seq} was acknowledged"
        append_batches(sink, history(len(found) + 1), [1])
        sink.put("name", b"more")
        assert list(sink.read()) == [*found, history(len(found) + 1)[-1]]
        sink.delete("name")
        sink.erase([seq for seq in _ERASED if seq < len(found)])
        for seq, record in enumerate(list(sink.read())):
            assert seq not in _ERASED or record.payload is None, f"{self._where}: record {seq}"
        sink.close()

    def _append(self, sink: Sink) -> None:
        start, stop = self._acknowledged, self._acknowledged + self._pending
        sink.append(start, history(stop)[start:])
        self._acknowledged, self._pending = stop, 0

    def _lost(self, found: int) -> str:
        return f"{self._where}: {self._acknowledged} acknowledged, {found} there"


def _use_through(place: Place, fault: Fault, where: str) -> None:
    """Use a log while a call fails, then without."""
    use = _Use(place, where)
    unavailable = False
    with fault.injected():
        try:
            use.begin()
        except SinkUnavailable:
            unavailable = True
        except SinkError:
            pass
        except Exception as error:
            raise AssertionError(f"{where}: {type(error).__name__} gets out: {error}") from error
    if unavailable:
        use.send_again()
    use.close()
    use.check()
