"""Whom informers tell: of rendered objects, of users' objects, and of the Lease."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import structlog

from rynxs.operator.backoff import is_told
from rynxs.operator.cluster import FORBIDDEN, NOT_FOUND
from rynxs.operator.elector import LEASE_KIND
from rynxs.operator.informer import Followed, Hears, Informer
from rynxs.operator.objects import identity_of
from rynxs.operator.rendered import reducing

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from rynxs.engine.composition import Composition
    from rynxs.engine.resource import Resource
    from rynxs.operator.cluster import Listed, Seen, Watched
    from rynxs.operator.elector import Leadership
    from rynxs.operator.informer import Failure
    from rynxs.operator.metrics import Metrics
    from rynxs.operator.objects import Objects
    from rynxs.operator.rendered import Rendered

_log = structlog.get_logger("rynxs.operator.following")


class Following:
    """Makes informers."""

    def __init__(
        self, cluster: Watched, metrics: Metrics, watched: Mapping[str, Collection[str]]
    ) -> None:
        """Make none yet.

        Args:
            cluster: to follow.
            metrics: count what goes wrong.
            watched: the members of the status that are wanted, by rendered kind.
        """
        self._cluster = cluster
        self._metrics = metrics
        self._watched = watched

    def rendered(self, rendered: Rendered, kind: str, namespace: str) -> Informer:
        """Return what tells of rendered objects of a kind."""
        reduced = reducing(self._watched.get(kind, ()))
        followed = Followed(kind, namespace, is_whole=False, reduced=reduced)
        rendered.follows(followed)
        well = partial(self._metrics.watch_well, kind, namespace)

        async def listed(found: Listed) -> None:
            well()
            await rendered.listed(followed, found)

        async def failed(failure: Failure) -> None:
            if failure.error.status == NOT_FOUND:  # of a kind that is not served there is nothing
                well()
            else:
                self._failed(failure)
            await rendered.failed(failure)

        hears = Hears(listed, partial(rendered.seen, followed), failed, well)
        return Informer(self._cluster, followed, hears)

    def users(self, objects: Objects, resource: Resource, namespace: str) -> Informer:
        """Return what tells which of the users' objects of a kind are gone."""
        kind = stored_kind(resource)
        followed = Followed(kind, namespace, is_whole=True, reduced=identity_of)
        well = partial(self._metrics.watch_well, kind, namespace)

        async def listed(found: Listed) -> None:
            well()
            await objects.listed(resource, namespace, found)

        async def failed(failure: Failure) -> None:
            self._failed(failure)
            if failure.error.status == FORBIDDEN:
                objects.forbidden(resource, namespace)

        hears = Hears(listed, partial(objects.watched, resource), failed, well)
        return Informer(self._cluster, followed, hears)

    def lease(self, lease: Leadership, namespace: str) -> Informer:
        """Return what tells that the Lease was given back, which is noticed later without it."""

        async def listed(found: Listed) -> None:
            for each in found.objects:
                lease.heard(each)

        async def seen(told: Seen) -> None:
            lease.heard(told.object)

        async def failed(failure: Failure) -> None:
            """Say so now and then: who may not watch it reads it all the same."""
            if is_told(failure.attempt):
                _say(failure)

        followed = Followed(LEASE_KIND, namespace, is_whole=True)
        return Informer(self._cluster, followed, Hears(listed, seen, failed))

    def _failed(self, failure: Failure) -> None:
        self._metrics.watch_failed(failure.followed.kind, failure.followed.namespace)
        _say(failure)


def _say(failure: Failure) -> None:
    followed, error, attempt = failure
    _log.warning(
        "a kind can't be followed",
        kind=followed.kind,
        namespace=followed.namespace,
        attempt=attempt,
        error=str(error),
    )


def stored_kind(resource: Resource) -> str:
    """Return the ``apiVersion/Kind`` in which objects are stored."""
    return f"{resource.api_versions[-1]}/{resource.kind}"


def watched_members(composition: Composition) -> dict[str, set[str]]:
    """Return the members of the status that any reducer wants to see, by rendered kind."""
    found: dict[str, set[str]] = {}
    for resource in composition.resources():
        for kind, members in composition.watched(resource.group_kind).items():
            found.setdefault(kind, set()).update(members)
    return found
