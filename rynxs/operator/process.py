"""The operator's process: it stands by, leads a term when it can, and says how it is."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import structlog

from rynxs.errors import RynxsError, SinkConflict
from rynxs.eventlog.sink import Sink
from rynxs.fields import seconds_of
from rynxs.operator.actors import Actors
from rynxs.operator.cluster import Place
from rynxs.operator.effects import Applying
from rynxs.operator.election import Election, Terms
from rynxs.operator.elector import LEASE_KIND, Alone, Elector, LeaseLost
from rynxs.operator.endpoint import Endpoint
from rynxs.operator.following import Following, stored_kind, watched_members
from rynxs.operator.framework import Framework
from rynxs.operator.guarded import ended, guarded
from rynxs.operator.inbox import Inbox, Patience
from rynxs.operator.leader import is_urgent
from rynxs.operator.metrics import Metrics
from rynxs.operator.objects import Objects
from rynxs.operator.plan_only import Showing
from rynxs.operator.present import Present
from rynxs.operator.readiness import Readiness
from rynxs.operator.rendered import Rendered
from rynxs.operator.standby import Standby
from rynxs.operator.takeover import Known
from rynxs.operator.term import Parts, Term
from rynxs.operator.tracing import span
from rynxs.operator.troubles import Troubles
from rynxs.operator.upkeep import Upkeep
from rynxs.operator.webhook import WebhookServed

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rynxs.config import Config
    from rynxs.engine.pipeline import Pipeline
    from rynxs.engine.resource import Resource
    from rynxs.errors import PluginError
    from rynxs.operator.cluster import FullCluster
    from rynxs.operator.effects import Effects
    from rynxs.operator.elector import Leadership
    from rynxs.operator.leader import Input
    from rynxs.operator.takeover import Lead
    from rynxs.sources import Sources

_log = structlog.get_logger("rynxs.operator")
_ALL = ("",)
"""How informers are told all namespaces, and what has none."""
_PATIENCE = Patience(quiet_s=Sink.grouping.linger_s, urgent_s=1.0, most_s=5.0)
"""As long as no sink is open, which knows better what an append costs on its medium."""


class Wanted(NamedTuple):
    """What this process is asked for, beside its configuration.

    Attributes:
        show: is told what would be done, and nothing is done; None to do it.
        accept_loss: why lost records are accepted, empty if they are not.
        namespace: of the Lease, where the configuration names none.
    """

    show: Callable[[str], None] | None
    accept_loss: str
    namespace: str


class Surroundings(NamedTuple):
    """What meets the outside world for a process, beside the cluster's client and the sink.

    Attributes:
        endpoint: makes what serves metrics and probes.
        framework: makes what tells of users' objects.
    """

    endpoint: Callable[..., Any] = Endpoint
    framework: Callable[..., Any] = Framework


_REAL = Surroundings()


class Process:
    """One replica of the operator.

    Attributes:
        lead: the log, while this replica leads it; else None.
    """

    def __init__(
        self,
        config: Config,
        sources: Sources,
        cluster: FullCluster,
        access: Any,
        wanted: Wanted,
        boot_s: Callable[[], float],
        surroundings: Surroundings = _REAL,
    ) -> None:
        """Do nothing yet.

        Args:
            config: of the log, the plugins and the operator.
            sources: time, identity of this replica, and entropy.
            cluster: to watch and to write to.
            access: from `rynxs.operator.access.find_access`, for the framework.
            wanted: what this process is asked for.
            boot_s: seconds since the machine started, those asleep included.
            surroundings: what meets the outside world.
        """
        self._config = config
        self._settings = config.operator
        self._namespaces: Sequence[str] = self._settings.namespaces or _ALL
        self._sources = sources
        self._cluster = cluster
        self._access = access
        self._wanted = wanted
        self._surroundings = surroundings
        self._now_s = asyncio.get_running_loop().time
        composition = config.composition()
        self._resources = composition.resources()
        self._troubles = Troubles()
        self._standby = Standby(config, sources, self._plugin_failed)
        self._lease = self._leadership(boot_s)
        self._rendered_kinds = composition.kinds()
        self._metrics = Metrics(
            [each.kind for each in self._resources],
            [*self._rendered_kinds, *map(stored_kind, self._resources)],
        )
        self._inbox: Inbox[Input] = Inbox(
            self._settings.queue, self._settings.batch, _PATIENCE, self._now_s, is_urgent
        )
        self._following = Following(cluster, self._metrics, watched_members(composition))
        self._readiness = Readiness(self._standby, self._lease, self._inbox, self._now_s)
        self._term: Term | None = None
        self.lead: Lead | None = None

    async def run(self, stopping: asyncio.Event) -> None:
        """Serve until `stopping` is set.

        Raises:
            RynxsError: this process can't go on.
        """
        self._metrics.queue(lambda: len(self._inbox), self._inbox.waited_s)
        self._metrics.stood_by()
        http = self._settings.http
        async with self._surroundings.endpoint(
            http.host, http.port, self._metrics, self._readiness.checks
        ) as endpoint:
            _log.info("serving", host=http.host, port=endpoint.port)
            serving = asyncio.create_task(self._serve(stopping))
            stopped = asyncio.create_task(stopping.wait())
            try:
                await asyncio.wait({serving, stopped}, return_when=asyncio.FIRST_COMPLETED)
                if self._term is None:
                    serving.cancel()
                with suppress(asyncio.CancelledError):
                    await serving
            finally:
                await ended([serving, stopped])

    async def _serve(self, stopping: asyncio.Event) -> None:
        present = Present(self._config.origin)
        rendered = Rendered(present)
        self._readiness.rendered = [
            self._following.rendered(rendered, kind, namespace)
            for kind in self._rendered_kinds
            for namespace in self._namespaces
        ]
        informing = [asyncio.create_task(each.run()) for each in self._readiness.rendered]
        following = asyncio.create_task(self._standby.follow(self._metrics.followed))
        listening = asyncio.create_task(self._listen_to_lease())
        try:
            await guarded(rendered.complete(), following, *informing)
            await guarded(self._lease.acquired(), following, *informing)
            keeping = asyncio.create_task(self._lease.lost())
            informing.append(keeping)
            await ended([following, listening])
            try:
                lead = await guarded(self._take_over(present), *informing)
            except (RynxsError, asyncio.CancelledError):  # somebody else may try at once
                await ended([keeping])
                await self._lease.release()
                raise
            try:
                self.lead = lead
                try:
                    await self._lead(lead, present, rendered, informing, stopping)
                finally:
                    self.lead = None
                    await asyncio.to_thread(lead.sink.close)
            except Exception:  # whatever it is, somebody else may try at once
                await self._lease.release()
                raise
            await self._lease.release()
        finally:
            self._metrics.stood_by()
            await ended([*informing, following, listening])

    async def _listen_to_lease(self) -> None:
        """Hear that the Lease is given back, until cancelled."""
        asked = self._settings.leader_election
        if asked.enabled:
            namespace = asked.namespace or self._wanted.namespace
            await self._following.lease(self._lease, namespace).run()

    async def _take_over(self, present: Present) -> Lead:
        def known(pipeline: Pipeline) -> Known:
            present.look_for(pipeline.origin, pipeline.state.predecessor)
            found = present.highest(pipeline.state.epoch)
            return Known(found.seq, max(found.epoch, self._lease.transitions), found.id)

        since_s = self._now_s()
        with span("take_over"):
            lead = await self._standby.take_over(known, self._wanted.accept_loss)
        epoch, took_s = lead.pipeline.state.epoch, self._now_s() - since_s
        self._metrics.took_over(self._standby.size, took_s, epoch, lead.begun)
        structlog.contextvars.bind_contextvars(epoch=epoch)
        _log.info(
            "leading",
            origin=lead.pipeline.origin,
            identity=self._sources.identity,
            records=lead.log.size,
        )
        return lead

    async def _lead(
        self,
        lead: Lead,
        present: Present,
        rendered: Rendered,
        guards: Sequence[asyncio.Task[None]],
        stopping: asyncio.Event,
    ) -> None:
        self._inbox.patience = _PATIENCE._replace(quiet_s=lead.sink.grouping.linger_s)
        actors, state = Actors(), lead.pipeline.state
        objects = Objects(
            self._resources, self._settings.namespaces, actors, state, self._inbox.put
        )
        parts = Parts(
            lead=lead,
            upkeep=self._upkeep(lead),
            inbox=self._inbox,
            troubles=self._troubles,
            objects=objects,
            rendered=rendered,
            effects=self._effects(lead, present, objects),
            metrics=self._metrics,
            clock=self._sources.clock,
            now_s=self._now_s,
            may_write=self._may_write,
        )
        self._readiness.own = [
            self._following.users(objects, resource, namespace)
            for resource in self._resources
            for namespace in self._namespaces_of(resource)
        ]
        framework = self._surroundings.framework(
            self._resources,
            self._settings.namespaces,
            self._access,
            objects.seen,
            self._webhook(),
            actors.take,
        )
        self._term = Term(parts)
        self._readiness.objects, self._readiness.leader = objects, self._term.leader
        self._metrics.led()
        try:
            sources = [framework.run(), *(each.run() for each in self._readiness.own)]
            await self._term.run(sources, guards, stopping)
        except SinkConflict:
            self._metrics.fenced("log")
            raise

    def _effects(self, lead: Lead, present: Present, objects: Objects) -> Effects:
        if self._wanted.show is not None:
            return Showing(present, self._wanted.show)
        return Applying(
            self._cluster,
            present,
            objects,
            lead.pipeline.origin,
            self._sources,
            self._may_write,
            self._inbox.put,
            self._metrics,
            self._settings.concurrency,
        )

    def _upkeep(self, lead: Lead) -> Upkeep:
        def signed(size: int) -> None:
            self._metrics.checkpoint_signed(size, self._sources.clock.now_us() / 1_000_000)

        checkpoint_s = seconds_of(self._settings.checkpoint_every)
        return Upkeep(lead, self._config.snapshots.every, checkpoint_s, self._now_s, signed)

    def _may_write(self) -> None:
        try:
            self._lease.may_lead()
        except LeaseLost:
            self._metrics.fenced("lease")
            raise

    def _plugin_failed(self, subject: str, error: PluginError) -> None:
        if self._troubles.degraded.get(subject) != str(error):
            _log.error("a plugin failed on a subject", subject=subject)
            self._metrics.plugin_failed()
        self._troubles.plugin_failed(subject, error)

    def _leadership(self, boot_s: Callable[[], float]) -> Leadership:
        asked = self._settings.leader_election
        if not asked.enabled:
            return Alone()
        terms = Terms(
            *map(seconds_of, (asked.lease_duration, asked.renew_deadline, asked.retry_period))
        )
        place = Place(LEASE_KIND, asked.namespace or self._wanted.namespace, asked.name)
        election = Election(self._sources.identity, terms)
        return Elector(self._cluster, place, election, terms, self._sources.clock, boot_s)

    def _webhook(self) -> WebhookServed | None:
        asked = self._settings.webhook
        if asked is None:
            return None
        return WebhookServed(asked.port, Path(asked.certificate), Path(asked.key), asked.host)

    def _namespaces_of(self, resource: Resource) -> Sequence[str]:
        return self._namespaces if resource.scope == "Namespaced" else _ALL
