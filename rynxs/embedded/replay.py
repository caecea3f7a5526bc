"""Replaying a log from its sink, with the plugins and settings that the log itself names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rynxs.engine import event as ev
from rynxs.engine import plan, shapes
from rynxs.engine.event import Event
from rynxs.engine.replay import Incomparable, Replay
from rynxs.errors import LogCorrupt
from rynxs.eventlog import canonical
from rynxs.eventlog.chain import Chain
from rynxs.eventlog.log import batched
from rynxs.eventlog.record import MalformedHeader, decode_header

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from rynxs.config import Config
    from rynxs.engine.composition import Composition
    from rynxs.eventlog.record import Record
    from rynxs.eventlog.sink import Sink

_EPOCH_STARTED = ev.EPOCH_STARTED.encode()


class LogReplay:
    """A replay of the records of a log before `stop`, None for all, verified as they pass.

    Run `fold` or `check` to the end; `replay` then has the state.
    """

    def __init__(self, sink: Sink, config: Config, stop: int | None) -> None:
        """Make the reducers and renderers that the last epoch before `stop` recorded.

        Raises:
            PluginError: one of them is not installed.
        """
        self._sink = sink
        self._config = config
        self._stop = stop
        self._recorded = _recorded_compositions(sink, stop)
        self.replay = Replay(self._made(self._recorded[-1:]))
        self.compared = 0

    def fold(self) -> Iterator[Sequence[Record]]:
        """Recompute the state; yields each batch after it is folded."""
        for events, batch in self._events():
            for event in events:
                self.replay.feed(event)
            yield batch

    def check(self) -> Iterator[Sequence[Record]]:
        """Recompute the state and every plan; yields each batch after it is folded.

        A plan is a function of the whole log before it and of the composition that made it, so
        there is one pass for each composition that the log records.

        Raises:
            NondeterminismError: a plan differs from the recorded one.
            PluginError: a plugin that made a plan is not installed.
        """
        for composition in self._reproducible(self._recorded[:-1]):
            yield from self._checked(Replay(composition))
        yield from self._checked(self.replay)

    def incomparable(self) -> list[Incomparable]:
        """Return the plans that no installed plugin could recompute, by what they need."""
        installed = [made.as_json() for made in self._reproducible(self._recorded)]
        return [part for part in self.replay.incomparable() if part.composition not in installed]

    @property
    def passes(self) -> int:
        """How often `check` reads the log."""
        return 1 + len(self._reproducible(self._recorded[:-1]))

    def _checked(self, replay: Replay) -> Iterator[Sequence[Record]]:
        for events, batch in self._events():
            for event in events:
                replay.check(event, self._recorded_manifest)
            yield batch
        self.compared += replay.compared

    def _reproducible(self, recorded: Sequence[Event]) -> list[Composition]:
        """Return the compositions that the installed plugins are just the right ones for."""
        made = [(self._made([event]), event.payload["composition"]) for event in recorded]
        return [composition for composition, wanted in made if composition.as_json() == wanted]

    def _made(self, recorded: Sequence[Event]) -> Composition:
        """Return what an ``EpochStarted`` recorded, made of the installed plugins."""
        if not recorded:
            return self._config.composition()
        return self._config.recorded_composition(recorded[0].payload["composition"])

    def _events(self) -> Iterator[tuple[list[Event], Sequence[Record]]]:
        chain = Chain()
        for batch in batched(self._sink.read(0, self._stop)):
            headers = chain.verify(batch)
            yield [Event.of_record(*pair) for pair in zip(headers, batch, strict=True)], batch

    def _recorded_manifest(
        self, subject: str, identifier: str, seq: int
    ) -> Mapping[str, Any] | None:
        found = None
        for record in self._sink.read(0, seq + 1):
            header = decode_header(record.header)
            if header.kind == ev.PLANNED and header.subject == subject:
                event = Event.of_record(header, record)
                shapes.checked(shapes.Planned, event)
                for body in event.payload["changed"]:
                    if plan.manifest_id(body) == identifier:
                        found = body
        return found


def _recorded_compositions(sink: Sink, stop: int | None) -> list[Event]:
    """Return the ``EpochStarted`` events of distinct compositions, each the last of its kind."""
    found: dict[bytes, Event] = {}
    for seq, record in enumerate(sink.read(0, stop)):
        # Looking for the bytes first spares the decoding of every other header.
        if _EPOCH_STARTED not in record.header:
            continue
        try:
            header = decode_header(record.header)
        except MalformedHeader as error:
            raise LogCorrupt(seq, str(error)) from None
        if header.kind == ev.EPOCH_STARTED:
            event = Event.of_record(header, record)
            shapes.checked(shapes.EpochStarted, event)
            key = canonical.encode({"composition": event.payload["composition"]})
            found.pop(key, None)
            found[key] = event
    return list(found.values())
