"""Rows of replay: folding a log of agents and their plans into state."""

from __future__ import annotations

from contextlib import closing, contextmanager
from itertools import islice
from typing import TYPE_CHECKING, Any

from benchmarks import bare
from benchmarks.appending import SOURCES
from benchmarks.measure import alternate, in_turn, rate, seconds
from benchmarks.peers import EVENTSOURCING, is_installed
from benchmarks.result import INFORMATIVE, Peer, Row, Target, below, spread
from benchmarks.workload import file_log
from rynxs.embedded.replay import LogReplay
from rynxs.embedded.snapshots import take
from rynxs.engine import event as ev
from rynxs.engine.observation import Actor
from rynxs.engine.pipeline import Pipeline
from rynxs.eventlog import canonical
from rynxs.eventlog import record as rec
from rynxs.eventlog.log import Log

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from benchmarks.peer_eventsourcing import EventStore
    from rynxs.config import Config
    from rynxs.eventlog.record import Record
    from rynxs.eventlog.sink import Sink

_AGENTS_AT_ONCE = 250
_FILLED_AT_ONCE = 10_000
_VERSIONS = 3
_NOTE, _TOOLS = 400, 40  # make an observation of 1.3 kB
_UID = "0f8fad5b-d9cb-469f-a165-70867728950e"
_FAST_ENOUGH = Target(">= 60,000 events/s", lambda value, _ratio: value >= 60_000)
_ALIKE = Target("within 25%", lambda _value, ratio: 0.8 <= ratio <= 1.25)


def replay(directory: Path, agents: int, rounds: int) -> Row:
    """Fold the log of so many agents, one observation and one plan each, and make every slice.

    Slices are made when they are read, so all are read here: the bare loop and the peer decode all
    payloads, too. The bare loop has its records in memory. The peer reads the same events back and
    keeps the newest of each subject; it verifies nothing.
    """
    config = file_log(directory)
    _build(config, agents)
    with closing(config.open_reader()) as sink:
        records = list(sink.read())
    count = len(records)

    def fold() -> float:
        return rate(count, lambda: _digest(config))

    stored = [(header, salt, payload or b"") for header, salt, payload in records]
    takes = [fold, lambda: rate(count, lambda: bare.decode(stored))]
    with _event_store(directory.with_name("agents.db"), records) as store:
        if store is not None:
            takes.append(lambda: rate(count, store.replay))
        ours, limit, *figures = in_turn(rounds, *takes)
    size = sum(len(payload) for _, _, payload in stored) // count
    name = (
        f"replay of {count:,} records of {agents:,} agents, every slice made and hashed, payloads "
        f"of {size:,} bytes on average; limit: decode and hash all, in memory"
    )
    peer = Peer(EVENTSOURCING, figures[0] if figures else None)
    return Row(name, "records/s", ours, limit, INFORMATIVE, (peer,))


def mix(directory: Path, agents: int, rounds: int) -> Iterator[Row]:
    """Fold logs of one observation, one plan, one apply, over and over, of one agent and of many.

    Header form, chain and payload hashes are verified. Slices are made when they are read, so a
    third row reads them all.
    """
    one, many = (file_log(directory / name) for name in ("one", "many"))
    _build_mix(one, 1, _VERSIONS * agents)
    _build_mix(many, agents, _VERSIONS * agents)
    count = one.open_reader().size()

    def fold_many() -> float:
        return rate(count, lambda: _folded(many))

    pair = alternate(rounds, fold_many, lambda: rate(count, lambda: _folded(one)))
    name = f"state replay of {count:,} events, a third each observed, planned and applied"
    yield Row(f"{name}, 1 agent", "events/s", pair.limit, None, _FAST_ENOUGH)
    yield Row(f"{name}, {agents:,} agents", "events/s", pair.ours, None, _FAST_ENOUGH)
    yield Row(
        f"the same, {agents:,} agents; limit: 1 agent", "events/s", pair.ours, pair.limit, _ALIKE
    )
    whole = alternate(3, lambda: rate(count, lambda: _digest(many)), fold_many)
    yield Row(
        f"the same, {agents:,} agents, every slice made and hashed; limit: none made",
        "events/s",
        whole.ours,
        whole.limit,
        INFORMATIVE,
    )


def from_snapshot(directory: Path, agents: int, size: int, tail: int, rounds: int) -> Row:
    """Fold a log of so many records from its newest snapshot, which is before the last `tail`.

    What lies before the snapshot is not read, so that all but the newest plan of each agent is
    small records.
    """
    config = file_log(directory)
    with _writer(config) as writer:
        writer.observe(agents, agents)
        while writer.log.size < size - tail:
            writer.fill(min(_FILLED_AT_ONCE, size - tail - writer.log.size))
        take(writer.pipeline, writer.log, writer.sink)
        writer.observe(agents, tail // 3 + 1, start=agents)
    took = [seconds(lambda: _folded(config)) for _ in range(rounds)]
    name = f"replay from a snapshot of {agents:,} agents, {tail:,} of {size:,} records after it"
    return Row(name, "s", spread(took), None, below(1.5, "s"))


@contextmanager
def _event_store(path: Path, records: Sequence[Record]) -> Iterator[EventStore | None]:
    """Make a peer's store of the events in some records; None if it is not installed."""
    if not is_installed(EVENTSOURCING):
        yield None
        return
    from benchmarks.peer_eventsourcing import EventStore

    found = [
        (rec.decode_header(header).subject, canonical.decode(payload or b""))
        for header, _, payload in records
    ]
    with closing(EventStore(path)) as store:
        store.prepared(found)()
        yield store


def _folded(config: Config) -> LogReplay:
    replaying = LogReplay(config.open_reader(), config, None)
    for _ in replaying.fold():
        pass
    return replaying


def _digest(config: Config) -> str:
    return _folded(config).replay.state.digest()


class _Writer:
    """Writes a log of agents the way `rynxs run` does, and what an operator would add."""

    def __init__(self, config: Config, sink: Sink) -> None:
        composition = config.composition()
        resource = composition.resource("universe.ai/Agent")
        assert resource is not None, "the agent plugin is installed"
        self._resource = resource
        self.sink = sink
        self.log = Log.open(sink)
        self.pipeline = Pipeline(composition, SOURCES, config.origin)

    def observe(self, agents: int, count: int, start: int = 0) -> None:
        """Observe agents in turn, each time another version; plan and apply each."""
        for number in range(start, start + count):
            version, manifest = number // agents, manifest_of(number % agents)
            manifest["metadata"]["annotations"] = {"example.org/note": "n" * _NOTE}
            manifest["spec"]["image"]["tag"] = f"v{version}"
            manifest["spec"]["tools"] = {"allow": [f"tool-{each}" for each in range(_TOOLS)]}
            self.pipeline.observe(self._resource, manifest, Actor("benchmarks"))
            # Nothing is applied here, so that nothing has to be durable first.
            for plan in self.pipeline.acknowledge(self.pipeline.state.size):
                applied = [{"action": "applied", "id": each, "uid": _UID} for each in plan.changed]
                body = {"manifests": applied}
                self.pipeline.record(ev.APPLIED, plan.subject, body, cause=plan.seq)
            if number % _AGENTS_AT_ONCE == 0:
                self.log.append(self.pipeline.take_entries())
        self.log.append(self.pipeline.take_entries())

    def fill(self, count: int) -> None:
        """Add small records."""
        for _ in range(count):
            self.pipeline.record(ev.APPLIED, "universe.ai/Agent/default/filler", {"manifests": []})
        self.log.append(self.pipeline.take_entries())


@contextmanager
def _writer(config: Config) -> Iterator[_Writer]:
    with closing(config.open_writer(SOURCES)) as sink:
        writer = _Writer(config, sink)
        yield writer
        writer.log.save()


def _build_mix(config: Config, agents: int, count: int) -> None:
    with _writer(config) as writer:
        writer.observe(agents, count)


def _build(config: Config, agents: int) -> None:
    """Make the log the way `rynxs run` does."""
    composition = config.composition()
    resource = composition.resource("universe.ai/Agent")
    assert resource is not None, "the agent plugin is installed"
    pipeline = Pipeline(composition, SOURCES, config.origin)
    with closing(config.open_writer(SOURCES)) as sink:
        log = Log.open(sink)
        pipeline.resume()
        numbers = iter(range(agents))
        while some := list(islice(numbers, _AGENTS_AT_ONCE)):
            for number in some:
                pipeline.observe(resource, manifest_of(number), Actor("benchmarks"))
            log.append(pipeline.take_entries())
            pipeline.acknowledge(log.size)
        log.save()


def manifest_of(number: int) -> dict[str, Any]:
    """Return the manifest of an agent."""
    return {
        "apiVersion": "universe.ai/v1alpha1",
        "kind": "Agent",
        "metadata": {
            "name": f"worker-{number:06d}",
            "namespace": f"team-{number % 50:02d}",
            "labels": {"app.kubernetes.io/part-of": "benchmarks"},
        },
        "spec": {
            "role": "worker",
            "team": f"research-{number % 7}",
            "manages": [],
            "permissions": {
                "canAssignTasks": False,
                "canAccessAuditLogs": False,
                "canManageTeam": False,
            },
            "image": {
                "repository": "ghcr.io/rynxs/agent",
                "tag": f"v0.1.{number % 10}",
                "verify": False,
            },
            "workspace": {"size": f"{1 + number % 20}Gi"},
        },
    }
