"""The composition: the reducers and renderers of an epoch, with versions and settings.

It is what, beside the log, a plan is a function of; so the first event of every epoch records it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from rynxs.engine.contracts import Reducer
from rynxs.engine.deciding import starts_anew
from rynxs.engine.event import observed
from rynxs.engine.verdict import KIND_SUFFIX
from rynxs.errors import PluginError
from rynxs.eventlog.record import is_kind

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rynxs.engine.contracts import Renderer
    from rynxs.engine.resource import Resource


class Component(NamedTuple):
    """One reducer or renderer with the settings it was made from."""

    plugin: Any
    settings: Mapping[str, Any]

    @property
    def requirement(self) -> str:
        """``name==version``."""
        return f"{self.plugin.name}=={self.plugin.version}"

    def as_json(self) -> dict[str, Any]:
        """Return what is recorded of it."""
        name, version = self.plugin.name, self.plugin.version
        return {"name": name, "settings": dict(self.settings), "version": version}


class Composition:
    """The selected reducers and renderers.

    Attributes:
        renderers: sorted by name.
        renderer_requirements: their ``name==version``.
    """

    def __init__(self, reducers: Sequence[Component], renderers: Sequence[Component]) -> None:
        """Sort by name, and route each resource kind to its reducer.

        Raises:
            PluginError: two reducers own, or govern, the same kind; or a renderer revises what
                one that is not picked would render.
        """
        self._reducers = sorted(reducers, key=_name)
        self._renderers = sorted(renderers, key=_name)
        self.renderers: list[Renderer] = [component.plugin for component in self._renderers]
        self.renderer_requirements = [component.requirement for component in self._renderers]
        self._owners: dict[str, tuple[Component, Resource]] = {}
        self._governors: dict[str, Component] = {}
        for component in self._reducers:
            for resource in component.plugin.resources:
                if not is_kind(observed(resource.kind)):
                    raise PluginError(
                        f"{component.requirement}: kind {resource.kind!r} is too long, or no name"
                    )
                if resource.kind.endswith(KIND_SUFFIX):
                    raise PluginError(
                        f"{component.requirement}: kind {resource.kind!r} ends in {KIND_SUFFIX}, "
                        "which names what a governor says of a kind"
                    )
                if resource.group_kind in self._owners:
                    other = self._owners[resource.group_kind][0].requirement
                    raise PluginError(
                        f"{resource.group_kind} is owned by {other} and by {component.requirement}"
                    )
                self._owners[resource.group_kind] = (component, resource)
            for group_kind in sorted(component.plugin.governs):
                if group_kind in self._governors:
                    other = self._governors[group_kind].requirement
                    raise PluginError(
                        f"{group_kind} is governed by {other} and by {component.requirement}"
                    )
                self._governors[group_kind] = component

        picked = [renderer.name for renderer in self.renderers]
        for component in self._renderers:
            for name in sorted(component.plugin.revises.difference(picked)):
                raise PluginError(
                    f"renderer {component.requirement} revises what {name} renders, which is not "
                    "picked; add it to plugins.renderers"
                )

    def resources(self) -> list[Resource]:
        """Return the kinds that the reducers own, sorted by group and kind."""
        return [self._owners[group_kind][1] for group_kind in sorted(self._owners)]

    def resource(self, group_kind: str) -> Resource | None:
        """Return the resource of a ``group/Kind``, or None when no reducer owns it."""
        owned = self._owners.get(group_kind)
        return owned[1] if owned else None

    def reducer(self, group_kind: str) -> Reducer | None:
        """Return the reducer of a ``group/Kind``, or None."""
        owned = self._owners.get(group_kind)
        return owned[0].plugin if owned else None

    def starts_anew(self, group_kind: str) -> frozenset[str]:
        """Return the kinds of events after which nothing that was before them counts."""
        return starts_anew(group_kind.rpartition("/")[2], self.reducer(group_kind))

    def governor(self, group_kind: str) -> Reducer | None:
        """Return the reducer that judges the subjects of a ``group/Kind``, or None."""
        component = self._governors.get(group_kind)
        return component.plugin if component else None

    def watched(self, group_kind: str) -> Mapping[str, Sequence[str]]:
        """Return the members of the status wanted of what is rendered for a ``group/Kind``.

        By the ``apiVersion/Kind`` of the rendered object.
        """
        reducer = self.reducer(group_kind)
        return {} if reducer is None else reducer.watches

    def timed(self) -> list[str]:
        """Return each ``group/Kind`` whose reducer sets deadlines, sorted."""
        return [
            group_kind
            for group_kind, (component, _) in sorted(self._owners.items())
            if type(component.plugin).deadline is not Reducer.deadline
        ]

    def kinds(self) -> list[str]:
        """Return each ``apiVersion/Kind`` that the renderers make, sorted.

        Raises:
            PluginError: a renderer does not say which.
        """
        for component in self._renderers:
            if not component.plugin.kinds:
                raise PluginError(
                    f"renderer {component.requirement} does not say which kinds it makes (kinds), "
                    "so an operator can't watch them"
                )
        return sorted({kind for renderer in self.renderers for kind in renderer.kinds})

    def reducer_requirement(self, group_kind: str) -> str:
        """Return the ``name==version`` of the reducer of a ``group/Kind``, empty for none."""
        owned = self._owners.get(group_kind)
        return owned[0].requirement if owned else ""

    def as_json(self) -> dict[str, Any]:
        """Return what ``EpochStarted`` records."""
        return {
            "reducers": [component.as_json() for component in self._reducers],
            "renderers": [component.as_json() for component in self._renderers],
        }


def missing(recorded: Mapping[str, Any], installed: Mapping[str, Any]) -> list[str]:
    """Return what of a recorded composition another one lacks, as ``NAME==VERSION``."""
    found = []
    for family in ("reducers", "renderers"):
        present = {part["name"]: part for part in installed[family]}
        for part in recorded[family]:
            requirement = f"{part['name']}=={part['version']}"
            other = present.get(part["name"])
            if other is None or other["version"] != part["version"]:
                found.append(requirement)
            elif other["settings"] != part["settings"]:
                found.append(f"{requirement} with the settings recorded for it")
    return found


def _name(component: Component) -> str:
    return str(component.plugin.name)
