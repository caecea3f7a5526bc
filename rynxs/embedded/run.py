"""One embedded run: manifests in, events appended, plans and a checkpoint out."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Any, NamedTuple

import structlog

from rynxs.embedded.reading import read_history
from rynxs.embedded.snapshots import is_due, take
from rynxs.embedded.turn import retention_of
from rynxs.embedded.unfinished import finish_redactions, refuse_unsigned
from rynxs.engine import diff
from rynxs.engine.observation import Actor, subject_of
from rynxs.engine.pipeline import Pipeline
from rynxs.engine.subject import parse_subject
from rynxs.eventlog import checkpoint as cp
from rynxs.eventlog.log import Log
from rynxs.eventlog.publication import publish
from rynxs.eventlog.signing import sign

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rynxs.config import Config
    from rynxs.embedded.manifests import Found
    from rynxs.engine.composition import Composition
    from rynxs.engine.diff import Change
    from rynxs.engine.pipeline import Plan
    from rynxs.engine.plan import Manifest
    from rynxs.eventlog.note import SigningKey
    from rynxs.eventlog.sink import Sink
    from rynxs.sources import Sources

    Prune = Callable[[Sequence[str], Sequence[str]], list[str]]

_log = structlog.get_logger("rynxs.run")


class SubjectChange(NamedTuple):
    """What a run saw of one subject.

    Attributes:
        subject: the subject.
        verb: ``created``, ``changed``, ``unchanged`` or ``deleted``.
        fields: for a changed one, what differs from its last observation.
    """

    subject: str
    verb: str
    fields: list[Change]


class RunReport(NamedTuple):
    """The outcome of a run.

    Attributes:
        origin: the log's name.
        subjects: one entry a subject that was seen, or deleted.
        plans: what was planned in this run, durable.
        manifests: what every live subject asks for now.
        kept: ids of what stays, by live subject, though nothing asks for it.
        statuses: what the status of every live subject's object says now.
        epoch, appended, size, root: of the log, after the run.
        checkpoint: the signed checkpoint of the log as it is now, None without a signer.
    """

    origin: str
    subjects: list[SubjectChange]
    plans: list[Plan]
    manifests: dict[str, list[Manifest]]
    kept: dict[str, list[str]]
    statuses: dict[str, dict[str, Any]]
    epoch: int
    appended: int
    size: int
    root: bytes
    checkpoint: bytes | None


class Run:
    """A run on one log; `execute` does it."""

    def __init__(self, config: Config, composition: Composition, sources: Sources) -> None:
        self._config = config
        self._composition = composition
        self._sources = sources
        self._actor = Actor(sources.identity)

    def execute(self, found: Sequence[Found], prune: Prune) -> RunReport:
        """Observe manifests and make durable what follows from them.

        Args:
            found: the manifests.
            prune: says which of the live subjects, given those seen, are deleted.

        Raises:
            SinkError: the log can't be used, or belongs to another writer.
            LogCorrupt: the log does not verify.
            CheckpointRefused: there is a redaction that none of the keys has signed for.
        """
        keys = self._config.signers(self._sources)
        with closing(self._config.open_writer(self._sources)) as sink:
            log = Log.load(sink)
            pipeline = Pipeline(self._composition, self._sources, self._config.origin)
            retired, holds = read_history(log, sink, pipeline)
            retired.refuse(keys)
            refuse_unsigned(log, sink, keys)
            retention = retention_of(self._config, self._sources, pipeline.state, holds)
            finish_redactions(log, sink, retention)
            before = log.size
            self._report_incidents(pipeline, sink)
            pipeline.resume()
            pipeline.reach_deadlines()
            subjects = [self._observe(pipeline, each) for each in sorted(found, key=_is_namespaced)]
            live = [each for each in pipeline.state.live() if self._is_owned(each)]
            gone = prune(live, [seen.subject for seen in subjects])
            subjects += [self._delete(pipeline, subject) for subject in gone]
            log.append(pipeline.take_entries())
            plans = pipeline.acknowledge(log.size)
            if log.size > before and is_due(pipeline, self._config.snapshots.every):
                take(pipeline, log, sink)
            signed = _checkpoint(log, sink, pipeline.origin, keys) if keys else None
            if log.size > before:
                log.save()
            live = pipeline.state.live()
            manifests = {subject: pipeline.manifests(subject) for subject in live}
            return RunReport(
                origin=pipeline.origin,
                subjects=sorted(subjects),
                plans=plans,
                manifests=manifests,
                kept={
                    subject: pipeline.state.kept(subject, manifests[subject]) for subject in live
                },
                statuses={subject: pipeline.status(subject) for subject in live},
                epoch=log.tip.epoch,
                appended=log.size - before,
                size=log.size,
                root=log.root(),
                checkpoint=signed,
            )

    def _report_incidents(self, pipeline: Pipeline, sink: Sink) -> None:
        incidents = sink.incidents()
        for incident in incidents:
            if incident.id not in pipeline.state.incidents:
                _log.warning("unacknowledged end of the log set aside", **incident._asdict())
        pipeline.record_incidents(incidents)

    def _observe(self, pipeline: Pipeline, each: Found) -> SubjectChange:
        subject = str(subject_of(each.resource, each.manifest))
        before = _facts(pipeline, subject)
        differs = pipeline.observe(each.resource, each.manifest, self._actor)
        if not differs:
            return SubjectChange(subject, "unchanged", [])
        if before is None:
            return SubjectChange(subject, "created", [])
        changes = diff.differences(before, _facts(pipeline, subject))
        return SubjectChange(subject, "changed", changes)

    def _is_owned(self, subject: str) -> bool:
        return self._composition.resource(parse_subject(subject).group_kind) is not None

    def _delete(self, pipeline: Pipeline, subject: str) -> SubjectChange:
        pipeline.delete(subject, self._actor)
        return SubjectChange(subject, "deleted", [])


def prune_nothing(live: Sequence[str], seen: Sequence[str]) -> list[str]:
    """Keep every live subject."""
    return []


def prune_unseen(live: Sequence[str], seen: Sequence[str]) -> list[str]:
    """Take live subjects that were not seen for deleted."""
    return sorted({*live} - {*seen})


def _is_namespaced(each: Found) -> bool:
    """Order what has no namespace first, for it may govern what has one."""
    return each.resource.scope == "Namespaced"


def _facts(pipeline: Pipeline, subject: str) -> dict[str, Any] | None:
    observation = pipeline.state.observation(subject)
    return None if observation is None else observation.payload["object"]


def _checkpoint(log: Log, sink: Sink, origin: str, keys: Sequence[SigningKey]) -> bytes | None:
    """Return the signed checkpoint of the log, stored; the one there if nothing is to be added."""
    if not log.size:
        return None
    newest = cp.latest(sink)
    wanted = log.checkpoint(origin)
    signed = sign(sink, wanted, keys)
    if newest is None or newest[1] != signed:
        publish(sink, wanted, signed)
    return signed
