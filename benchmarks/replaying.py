"""The row of replay: folding a log of agents and their plans into state."""

from __future__ import annotations

from contextlib import closing
from itertools import islice
from typing import TYPE_CHECKING, Any

from benchmarks import bare
from benchmarks.appending import SOURCES
from benchmarks.measure import alternate, rate
from benchmarks.result import INFORMATIVE, Row
from benchmarks.workload import file_log
from rynxs.embedded.replay import LogReplay
from rynxs.engine.observation import Actor
from rynxs.engine.pipeline import Pipeline
from rynxs.eventlog.log import Log

if TYPE_CHECKING:
    from pathlib import Path

    from rynxs.config import Config

_AGENTS_AT_ONCE = 250


def replay(directory: Path, agents: int, rounds: int) -> Row:
    """Fold the log of so many agents, one observation and one plan each.

    The bare loop has its records in memory.
    """
    config = file_log(directory)
    _build(config, agents)
    sink = config.open_reader()
    records = list(sink.read())
    count = len(records)

    def fold() -> float:
        replaying = LogReplay(sink, config, count)

        def to_the_end() -> None:
            for _ in replaying.fold():
                pass

        return rate(count, to_the_end)

    pair = alternate(rounds, fold, lambda: rate(count, lambda: bare.decode(records)))
    size = sum(len(record.payload) for record in records) // count
    name = (
        f"replay of {count:,} records of {agents:,} agents, payloads of {size:,} bytes on average; "
        "limit: decode and hash all, in memory"
    )
    return Row(name, "records/s", pair.ours, pair.limit, INFORMATIVE)


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
                pipeline.observe(resource, _agent(number), Actor("benchmarks"))
            log.append(pipeline.take_entries())
            pipeline.acknowledge(log.size)
        log.save()


def _agent(number: int) -> dict[str, Any]:
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
                "canAssignTasks": number % 2 == 0,
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
