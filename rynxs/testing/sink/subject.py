"""The sink under test: how the kit opens it, here and in other processes."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager, suppress
from itertools import count
from typing import TYPE_CHECKING, Any, ClassVar

import pytest

from rynxs.errors import RynxsError
from rynxs.sources import fixed_sources
from rynxs.testing.hooks import declared
from rynxs.testing.plugin import HookConformance
from rynxs.testing.sink.actors import Actor, nursery

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from rynxs.errors import SinkError
    from rynxs.eventlog.record import Record
    from rynxs.eventlog.sink import Sink


class Place:
    """A place where a log can be made and opened, again and again, and by other processes."""

    def __init__(
        self,
        module: str,
        settings: Mapping[str, Any],
        stack: ExitStack,
        preload: Sequence[str] = (),
    ) -> None:
        """`stack` closes at the end of the test what the test leaves open."""
        self._module = module
        self._preload = preload
        self._settings = settings
        self._stack = stack
        self._plugin = declared(module, "sink")

    def writer(self) -> Sink:
        """Open the log for appending, making it if it is not there."""
        return self._opened(self._plugin.open_writer(self._checked(), fixed_sources(0)))

    def reader(self) -> Sink:
        """Open the existing log for reading."""
        return self._opened(self._plugin.open_reader(self._checked()))

    def records(self) -> list[Record]:
        """Open the log for appending, as after a crash, and return all its records."""
        sink = self.writer()
        try:
            return list(sink.read())
        finally:
            sink.close()

    def process(self, action: str, *arguments: object) -> Actor:
        """Start an action of `rynxs.testing.actor` on the log in another process."""
        order = {
            "action": action,
            "arguments": arguments,
            "module": self._module,
            "settings": self._settings,
        }
        process = Actor(nursery(self._preload), order)
        self._stack.callback(process.end)
        return process

    def _checked(self) -> Any:
        return self._plugin.settings.model_validate(self._settings)

    def _opened(self, sink: Sink) -> Sink:
        self._stack.callback(_close, sink)
        return sink


class SinkUnderTest(HookConformance):
    """What a subclass says of its sink.

    Attributes:
        outlives_its_process: whether a log is there for other processes; a sink that keeps it in
            memory says False, and the promises about other processes are skipped.
        kills: how often a writer is killed.
        preload: modules that the kit's other processes find imported, which saves them the time:
            those of a driver. What they compute as they are imported is the same in each process.
    """

    family = "sink"
    outlives_its_process: ClassVar[bool] = True
    kills: ClassVar[int] = 20
    preload: ClassVar[Sequence[str]] = ()

    def settings(self, place: Path) -> Mapping[str, Any]:
        """Return the raw settings of a log, JSON values.

        Args:
            place: a path at which nothing is, another for each log; a sink that keeps no files may
                take it for a name.
        """
        raise NotImplementedError("say in `settings` where a log may be made")

    @pytest.fixture
    def places(self, tmp_path: Path) -> Iterator[Iterator[Place]]:
        """Yield places of new logs, without end."""
        with ExitStack() as stack:
            yield (
                Place(
                    self.plugin_module,
                    self.settings(tmp_path / f"log{number}"),
                    stack,
                    self.preload,
                )
                for number in count()
            )

    @pytest.fixture
    def place(self, places: Iterator[Place]) -> Place:
        """Return the place of one new log."""
        return next(places)

    @pytest.fixture
    def sink(self, place: Place) -> Sink:
        """Return a new log, open for appending."""
        return place.writer()


@contextmanager
def refused(error: type[SinkError], what: str) -> Iterator[None]:
    """Demand that what is done within is refused with an error."""
    try:
        yield
    except error:
        return
    pytest.fail(f"{what} was accepted; {error.__name__} is expected")


def append_batches(sink: Sink, records: Sequence[Record], counts: Sequence[int]) -> int:
    """Append the next records of a history in batches of the given sizes; return the log's size."""
    size = sink.size()
    for number in counts:
        sink.append(size, records[size : size + number])
        size += number
    return size


def _close(sink: Sink) -> None:
    with suppress(RynxsError):
        sink.close()
