"""Replaying a log from its sink, with the plugins and settings that the log itself names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rynxs.embedded.snapshots import newest_usable
from rynxs.engine import history
from rynxs.engine.event import Event
from rynxs.engine.recorded import RecordedManifests
from rynxs.engine.replay import Incomparable, Replay
from rynxs.engine.upgrade import Upgrade
from rynxs.errors import LogCorrupt
from rynxs.eventlog.chain import Chain
from rynxs.eventlog.log import batched
from rynxs.eventlog.merkle import Frontier
from rynxs.eventlog.redaction import Redactions

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from rynxs.config import Config
    from rynxs.engine.composition import Composition
    from rynxs.engine.state import State
    from rynxs.eventlog.record import Record
    from rynxs.eventlog.sink import Sink


class LogReplay:
    """A replay of the records of a log before `stop`, None for all, verified as they pass.

    Run `fold`, `steps` or `check` to the end; `replay` then has the state, and `chain` the chain.

    Attributes:
        replay: the state, and what was found out on the way to it.
        chain: the chain of the records.
        compared, verdicts: number of plans, and of verdicts, that recomputed to what was recorded.
        redacted, redacted_verdicts: those that need something erased for that, by seq, sorted.
        snapshot: number of records that were not read, a snapshot having what they made; or None.
    """

    def __init__(self, sink: Sink, config: Config, stop: int | None) -> None:
        """Make the reducers and renderers that the last epoch before `stop` recorded.

        Raises:
            PluginError: one of them is not installed.
            LogCorrupt: what says so is malformed.
        """
        self._sink = sink
        self._config = config
        self._stop = stop
        self._wanted, self.composition = self._made(_last_epoch(sink, stop))
        self.replay = Replay(self.composition)
        self.chain = Chain()
        self.compared = self.verdicts = 0
        self.redacted: list[int] = []
        self.redacted_verdicts: list[int] = []
        self.snapshot: int | None = None

    def fold(self) -> Iterator[Sequence[Record]]:
        """Recompute the state, from the newest snapshot that may be used; yields each batch.

        Raises:
            LogCorrupt: a record does not hold.
        """
        restored = newest_usable(self._sink, self.composition, self._stop)
        if restored is not None:
            self.replay.state, self.chain = restored
            self.snapshot = self.chain.size
        yield from self._folded()
        recorded = self.replay.state.composition
        if recorded is not None and recorded != self._wanted:
            # A writer has gone on meanwhile, or epochs are not where they should be.
            self._wanted, self.composition = recorded, self._config.recorded_composition(recorded)
            self.replay, self.chain, self.snapshot = Replay(self.composition), Chain(), None
            yield from self._folded()

    def steps(self) -> Iterator[tuple[Event, State]]:
        """Recompute the state; yields each event after it is folded, with the state it made.

        The state is one object that goes on changing: read of it what is wanted before the next.
        """
        for events, _ in self._events():
            for event in events:
                self.replay.feed(event)
                yield event, self.replay.state

    def check(self) -> Iterator[Sequence[Record]]:
        """Recompute the state, every plan and every verdict, from the first record on, by batches.

        Both are functions of the whole log before them and of the composition that made them, so
        there is one pass for each composition that the log records.

        Raises:
            NondeterminismError: a plan or a verdict differs from the recorded one.
            PluginError: a plugin that made a plan is not installed.
        """
        for composition in self._reproducible(self._recorded()[:-1]):
            yield from self._checked(Replay(composition))
        yield from self._checked(self.replay)

    def against_installed(self) -> Iterator[Sequence[Record]]:
        """Recompute the state and every plan with what is configured, whatever the log names.

        `replay` is then an `Upgrade`. Ends early once so much differs that the rest says no more.
        """
        self.composition = self._config.composition()
        self.replay = upgrade = Upgrade(self.composition)
        for events, batch in self._events():
            for event in events:
                upgrade.check(event, self._recorded_manifest)
            yield batch
            if upgrade.is_full:
                break
        upgrade.finish()
        self.compared = upgrade.compared

    def incomparable(self) -> list[Incomparable]:
        """Return what no installed plugin could recompute, by what that needs."""
        found = self.replay.incomparable()
        if not found:
            return []
        installed = [made.as_json() for made in self._reproducible(self._recorded())]
        return [part for part in found if part.composition not in installed]

    @property
    def passes(self) -> int:
        """How often `check` reads the log."""
        return 1 + len(self._reproducible(self._recorded()[:-1]))

    def _folded(self) -> Iterator[Sequence[Record]]:
        feed = self.replay.feed
        for events, batch in self._events():
            for event in events:
                feed(event)
            yield batch

    def _checked(self, replay: Replay) -> Iterator[Sequence[Record]]:
        self.chain = Chain()
        for events, batch in self._events():
            for event in events:
                replay.check(event, self._recorded_manifest)
            yield batch
        self.compared += replay.compared
        self.verdicts += replay.verdicts
        self.redacted = sorted([*self.redacted, *replay.redacted])
        self.redacted_verdicts = sorted([*self.redacted_verdicts, *replay.redacted_verdicts])

    def _recorded(self) -> list[Event]:
        return history.compositions(self._sink, self._stop)

    def _reproducible(self, recorded: Sequence[Event]) -> list[Composition]:
        """Return the compositions that the installed plugins are just the right ones for."""
        made = [self._made(event) for event in recorded]
        return [composition for wanted, composition in made if composition.as_json() == wanted]

    def _made(self, recorded: Event | None) -> tuple[dict[str, Any] | None, Composition]:
        """Return what an ``EpochStarted`` recorded, and that made of the installed plugins."""
        if recorded is None:
            return None, self._config.composition()
        wanted = recorded.payload["composition"]
        return wanted, self._config.recorded_composition(wanted)

    def _events(self) -> Iterator[tuple[list[Event], Sequence[Record]]]:
        """Verify and yield what follows on `chain`."""
        chain = self.chain
        redactions = Redactions(chain.size)
        for batch in batched(self._sink.read(chain.size, self._stop)):
            headers = chain.verify(batch)
            redactions.take(headers, batch)
            yield [Event.of_record(*pair) for pair in zip(headers, batch, strict=True)], batch
        if redactions.unnamed:
            _read_on(self._sink, chain, redactions)
        redactions.finish()

    def _recorded_manifest(
        self, subject: str, identifier: str, seq: int
    ) -> Mapping[str, Any] | None:
        return RecordedManifests(self._sink, seq + 1).newest(subject, identifier)


def _last_epoch(sink: Sink, stop: int | None) -> Event | None:
    """Return the last ``EpochStarted`` before `stop`; None when there is none."""
    size = sink.size() if stop is None else min(stop, sink.size())
    try:
        found = history.last_epoch(sink, size)
    except LogCorrupt:  # the pass tells of the first record that does not hold
        found = None
    if found is None:
        found = next(reversed(history.compositions(sink, stop)), None)
    return found


def _read_on(sink: Sink, chain: Chain, redactions: Redactions) -> None:
    """Read, after the records wanted, until all that is erased among them has been named."""
    further = Chain(chain.tip, Frontier(chain.size, chain.frontier.nodes()))
    for batch in batched(sink.read(chain.size)):
        redactions.take(further.verify(batch), batch)
        if not redactions.unnamed:
            return
