"""A log that grows, and what it costs to use it at the length that it has."""

from __future__ import annotations

from contextlib import closing
from functools import partial
from itertools import cycle, islice
from typing import TYPE_CHECKING, NamedTuple

from benchmarks.appending import SOURCES
from benchmarks.measure import seconds
from benchmarks.replaying import manifest_of
from benchmarks.workload import BATCH, ORIGIN, file_log
from rynxs.embedded.replay import LogReplay
from rynxs.embedded.snapshots import take
from rynxs.engine import event as ev
from rynxs.engine import snapshot
from rynxs.engine.observation import Actor
from rynxs.engine.pipeline import Pipeline
from rynxs.eventlog import canonical
from rynxs.eventlog import checkpoint as cp
from rynxs.eventlog.chain import Chain
from rynxs.eventlog.log import Entry, Log, batched
from rynxs.eventlog.proof import inclusion_proof
from rynxs.eventlog.publication import publish
from rynxs.eventlog.tiles import Tree

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from rynxs.engine.state import State
    from rynxs.eventlog.note import SigningKey
    from rynxs.eventlog.sink import Sink

TAIL = 1_000
"""Records after the snapshot that a replay starts from."""

_AGENTS = 100
_UNCHANGED = 14
"""Of 30 records of an agent, so many observe what asks for no other plan, and as many are tiny."""


class _Recorded(NamedTuple):
    """What is recorded again and again; `follows` if the record before is its cause."""

    kind: str
    subject: str
    payload: bytes
    follows: bool


class GrowingLog:
    """A log of the file sink, closed between measurements, its frontier saved.

    It has the events of 100 agents over and over: an observation, its plan, that it was applied,
    and what changes no plan. Payloads have 300 bytes on average.
    """

    def __init__(self, directory: Path) -> None:
        self._config = file_log(directory)
        self._composition = self._config.composition()
        self._events: Iterator[_Recorded] = iter(())
        with closing(self._config.open_writer(SOURCES)) as sink:
            pipeline = Pipeline(self._composition, SOURCES, ORIGIN)
            once = [*self._observed(pipeline, "v1"), *self._observed(pipeline, "v2")]
            log = Log.open(sink)
            log.append(once)
            log.save()
        self._events = cycle(_mixed(once))

    def grow_to(self, size: int) -> None:
        """Append until the log has so many records, or leave it if it has."""
        with closing(self._config.open_writer(SOURCES)) as sink:
            log = Log.open(sink)
            while log.size < size:
                log.append(self._next(log, min(BATCH, size - log.size)))
            log.save()

    def open_ms(self) -> float:
        """Open to append; return milliseconds."""
        opened: list[Sink] = []

        def open_log() -> None:
            opened.append(self._config.open_writer(SOURCES))
            Log.open(opened[0])

        took = seconds(open_log)
        opened[0].close()
        return took * 1e3

    def append_ms(self, rounds: int) -> list[float]:
        """Append so many records one by one; return the milliseconds of each."""
        with closing(self._config.open_writer(SOURCES)) as sink:
            log = Log.open(sink)
            figures = []
            for _ in range(rounds):
                single = self._next(log, 1)
                figures.append(seconds(partial(log.append, single)) * 1e3)
            log.save()
        return figures

    def verify_s(self) -> float:
        """Verify all records; return seconds."""

        def verify() -> None:
            chain = Chain()
            with closing(self._config.open_reader()) as sink:
                for records in batched(sink.read()):
                    chain.verify(records)

        return seconds(verify)

    def replay_s(self) -> float:
        """Fold the log, from its newest snapshot if it has one; return seconds."""
        return seconds(self._folded)

    def take_snapshot(self) -> None:
        """Take a snapshot, and append `TAIL` records."""
        with closing(self._config.open_writer(SOURCES)) as sink:
            log = Log.open(sink)
            pipeline = Pipeline(self._composition, SOURCES, ORIGIN)
            pipeline.state = self._folded()
            take(pipeline, log, sink)
            log.append(self._next(log, TAIL))
            log.save()

    def delete_snapshots(self) -> None:
        """Let a replay read the whole log again."""
        with closing(self._config.open_writer(SOURCES)) as sink:
            for name in sink.list(snapshot.PREFIX):
                sink.delete(name)

    def publish(self, keys: Sequence[SigningKey]) -> None:
        """Store a checkpoint of the log and the tiles that it needs."""
        with closing(self._config.open_writer(SOURCES)) as sink:
            made = Log.open(sink).checkpoint(ORIGIN)
            publish(sink, made, cp.sign(made, keys))

    def proof_ms(self, rounds: int) -> list[float]:
        """Prove records all over the newest checkpoint's tree, each with no tile read before."""
        with closing(self._config.open_reader()) as sink:
            newest = cp.latest(sink)
            assert newest is not None, "published before"
            size = newest[0].size

            def prove(index: int) -> list[bytes]:
                return inclusion_proof(Tree(sink, size).node, index, size)

            indexes = [number * size // rounds for number in range(rounds)]
            return [seconds(partial(prove, index)) * 1e3 for index in indexes]

    def _folded(self) -> State:
        with closing(self._config.open_reader()) as sink:
            replaying = LogReplay(sink, self._config, None)
            for _ in replaying.fold():
                pass
        return replaying.replay.state

    def _next(self, log: Log, count: int) -> list[Entry]:
        """Return the next events as entries of a log."""
        epoch, time_us = log.tip.epoch, log.tip.time_us
        return [
            Entry(kind, subject, payload, epoch, time_us, seq - 1 if follows else None)
            for seq, (kind, subject, payload, follows) in enumerate(
                islice(self._events, count), log.size
            )
        ]

    def _observed(self, pipeline: Pipeline, tag: str) -> list[Entry]:
        """Return the events of observing, planning and applying all agents."""
        resource = self._composition.resource("universe.ai/Agent")
        assert resource is not None, "the agent plugin is installed"
        for number in range(_AGENTS):
            manifest = manifest_of(number)
            manifest["spec"]["image"]["tag"] = tag
            pipeline.observe(resource, manifest, Actor("benchmarks"))
            for plan in pipeline.acknowledge(pipeline.state.size):
                pipeline.record(ev.APPLIED, plan.subject, {"manifests": []}, cause=plan.seq)
        return pipeline.take_entries()


def _mixed(once: Sequence[Entry]) -> list[_Recorded]:
    """Return for each agent its newest three events, and then those that change no plan."""
    tiny = canonical.encode({"manifests": []})
    mixed = []
    for observed, planned, applied in zip(*[iter(once[-3 * _AGENTS :])] * 3, strict=True):
        mixed += [
            _Recorded(each.kind, each.subject, each.payload, each.cause is not None)
            for each in (observed, planned, applied)
        ]
        again = _Recorded(observed.kind, observed.subject, observed.payload, follows=False)
        mixed += [again, _Recorded(ev.APPLIED, observed.subject, tiny, follows=False)] * _UNCHANGED
    return mixed
