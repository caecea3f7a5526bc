"""A live run of the real pipeline on a log in memory, and its replay."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rynxs.engine.composition import Composition
from rynxs.engine.event import PLANNED, Event
from rynxs.engine.observation import subject_of
from rynxs.engine.pipeline import Pipeline
from rynxs.engine.plan import manifest_id
from rynxs.engine.replay import Replay
from rynxs.eventlog.log import Log
from rynxs.sources import fixed_sources
from rynxs.testing.memory import MemorySink
from rynxs.testing.pure.samples import ACTOR, appearances, owned, scoped

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rynxs.engine.state import State
    from rynxs.eventlog.sink import Sink
    from rynxs.testing.pure.samples import Sample

_ORIGIN = "conformance.example/kit"


def run_live(sample: Sample) -> tuple[Sink, State]:
    """Observe and delete the sample objects; return the log and the state.

    Raises:
        PluginError: a reducer or renderer raised, or made what can't be recorded.
    """
    composition = _composition(sample)
    pipeline = Pipeline(composition, fixed_sources(0), _ORIGIN)
    sink = MemorySink()
    log = Log.load(sink)
    for manifest in sample.objects:
        resource = owned(composition.resources(), manifest)
        scoped_manifest = scoped(resource, manifest)
        for appearance in appearances(scoped_manifest):
            pipeline.observe(resource, appearance, ACTOR)
            log.append(pipeline.take_entries())
        pipeline.delete(str(subject_of(resource, scoped_manifest)), ACTOR)
        pipeline.observe(resource, scoped_manifest, ACTOR)
    log.append(pipeline.take_entries())
    return sink, pipeline.state


def run_replay(sample: Sample, sink: Sink) -> State:
    """Recompute the state and every plan of a log with plugins made anew.

    Raises:
        NondeterminismError: a plan differs from the recorded one.
    """
    replay = Replay(_composition(sample))
    recorded: dict[tuple[str, str], Mapping[str, Any]] = {}
    for batch in Log.load(sink).history():
        for event in (Event.of_record(header, record) for header, record in batch):
            if event.kind == PLANNED:
                for body in event.payload["changed"]:
                    recorded[event.subject, manifest_id(body)] = body
            replay.check(event, lambda subject, identifier, _: recorded.get((subject, identifier)))
    return replay.state


def _composition(sample: Sample) -> Composition:
    made = [(pick.family, pick.made()) for pick in sample.picks]
    return Composition(
        [component for family, component in made if family == "reducer"],
        [component for family, component in made if family == "renderer"],
    )
