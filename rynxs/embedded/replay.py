"""Replaying a log from its sink, with the plugins and settings that the log itself names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rynxs.engine import event as ev
from rynxs.engine import plan
from rynxs.engine.event import Event
from rynxs.engine.replay import Replay
from rynxs.errors import LogCorrupt
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
        self._stop = stop
        self.replay = Replay(_recorded_composition(sink, config, stop))

    def fold(self) -> Iterator[Sequence[Record]]:
        """Recompute the state; yields each batch after it is folded."""
        for events, batch in self._events():
            for event in events:
                self.replay.feed(event)
            yield batch

    def check(self) -> Iterator[Sequence[Record]]:
        """Recompute the state and every plan; yields each batch after it is folded.

        Raises:
            NondeterminismError: a plan differs from the recorded one.
        """
        for events, batch in self._events():
            for event in events:
                self.replay.check(event, self._recorded_manifest)
            yield batch

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
                for body in Event.of_record(header, record).payload["changed"]:
                    if plan.manifest_id(body) == identifier:
                        found = body
        return found


def _recorded_composition(sink: Sink, config: Config, stop: int | None) -> Composition:
    """Return what the last epoch recorded; the configured one for a log without epochs."""
    last = None
    for seq, record in enumerate(sink.read(0, stop)):
        # Looking for the bytes first spares the decoding of every other header.
        if _EPOCH_STARTED not in record.header:
            continue
        try:
            header = decode_header(record.header)
        except MalformedHeader as error:
            raise LogCorrupt(seq, str(error)) from None
        if header.kind == ev.EPOCH_STARTED:
            last = Event.of_record(header, record)
    if last is None:
        return config.composition()
    try:
        return config.recorded_composition(last.payload["composition"])
    except (KeyError, TypeError) as error:
        raise LogCorrupt(last.seq, f"payload names no composition ({error!r})") from None
