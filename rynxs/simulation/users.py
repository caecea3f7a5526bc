"""People, and other controllers: they make, change and delete objects while all goes on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rynxs.simulation import things
from rynxs.simulation.answers import is_managed
from rynxs.simulation.world import SECOND

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from rynxs.simulation.api_server import ApiServer
    from rynxs.simulation.faults import Faults
    from rynxs.simulation.machine import Machine
    from rynxs.simulation.world import World

_NAMES = "abcd"
_COLOURS = "red", "green", "blue"
_MANAGER = "kubectl"


class Users:
    """Whoever else uses the cluster."""

    def __init__(self, world: World, server: ApiServer, faults: Faults, clock: Machine) -> None:
        """Do nothing yet; `clock` is a machine whose clock is right."""
        self._world = world
        self._objects = server.objects
        self._faults = faults
        self._clock = clock
        self._chance = world.chance("users")
        self._until_us = 0

    def begin(self, until_us: int) -> None:
        """Make and change Things, and sometimes what is rendered for them, for a time."""
        self._until_us = until_us
        self._next()

    def _next(self) -> None:
        delay_us = self._chance.randrange(SECOND // 10, 8 * SECOND)
        if self._world.now_us + delay_us < self._until_us:
            self._world.after(delay_us, self._act)

    def _act(self) -> None:
        name = self._chance.choice(_NAMES)
        identifier = f"{things.GROUP}/v1/Thing/{things.NAMESPACE}/{name}"
        if self._objects.get(identifier) is None:
            self._world.say("users", f"make {name}")
            self._objects.make(things.thing(name, 1, self._spec(name)), _MANAGER)
        elif self._chance.random() < 0.2:  # noqa: PLR2004
            self._world.say("users", f"delete {name}")
            self._objects.delete(identifier)
        else:
            self._world.say("users", f"edit {name}")
            self._edit(identifier, self._spec(name))
        self._meddle()
        self._next()

    def _spec(self, name: str) -> dict[str, Any]:
        chance = self._chance
        spec: dict[str, Any] = {
            "size": chance.randrange(4),
            "colour": chance.choice(_COLOURS),
            "uses": [each for each in _NAMES if chance.random() < 0.2],  # noqa: PLR2004
        }
        if chance.random() < 0.1:  # noqa: PLR2004
            spec["endsUs"] = self._clock.now_us() + chance.randrange(60) * SECOND
        for plugin in ("reducer", "renderer"):
            if self._faults.happens("plugin", f"{plugin} fails", name):
                spec["fails"] = plugin
        return spec

    def _edit(self, identifier: str, spec: dict[str, Any]) -> None:
        body = self._objects.show(identifier)
        body["spec"] = spec
        body["metadata"]["generation"] += 1
        self._objects.replace(body, (_MANAGER, "Update", ""))

    def _meddle(self) -> None:
        """Change or delete what is rendered, as others do."""
        rendered = [each for each in self._objects.ids() if each.startswith(things.CONFIG_MAP)]
        if not rendered:
            return
        identifier = self._chance.choice(rendered)
        if self._faults.happens("world", "edited by others", identifier):
            body = self._objects.show(identifier)
            body.setdefault("data", {})["colour"] = "spoilt"
            self._objects.replace(body, (_MANAGER, "Update", ""))
        elif self._faults.happens("world", "deleted by others", identifier):
            self._objects.delete(identifier)


def differences(server: ApiServer, now_us: int) -> Iterator[str]:
    """Yield in what the cluster is not as the Things in it ask for.

    Args:
        server: the cluster.
        now_us: the time of day.
    """
    objects = server.objects
    shown = [objects.seen(identifier) for identifier in objects.ids()]
    specs = {each["metadata"]["name"]: each["spec"] for each in shown if each["kind"] == "Thing"}
    rendered = {
        each["metadata"]["name"]: each
        for each in shown
        if each["kind"] == "ConfigMap" and is_managed(each)
    }
    unknown = {name for name, spec in specs.items() if spec.get("fails")}
    for name in sorted(specs.keys() - unknown):
        if unknown.isdisjoint(specs[name].get("uses", ())):
            asked = _wanted(name, specs, now_us)
            wanted = {each["metadata"]["name"]: each["data"] for each in asked}
            yield from _of_one(name, wanted, rendered)
    for name in sorted(rendered):
        if name.partition("-")[0] not in specs:
            yield f"ConfigMap {name} is there, and its Thing is not"


def _wanted(name: str, specs: Mapping[str, Any], now_us: int) -> list[dict[str, Any]]:
    spec = specs[name]
    if spec.get("endsUs") is not None and spec["endsUs"] <= now_us:
        return []
    used = [
        specs[other].get("colour", "none") if other in specs else None
        for other in spec.get("uses", ())
    ]
    return things.config_maps(name, spec, used)


def _of_one(
    name: str, wanted: Mapping[str, Any], rendered: Mapping[str, Mapping[str, Any]]
) -> Iterator[str]:
    for each in sorted(wanted):
        if each not in rendered:
            yield f"ConfigMap {each} is not there"
        elif rendered[each].get("data") != wanted[each]:
            yield f"ConfigMap {each} holds {rendered[each].get('data')}, and not {wanted[each]}"
    for each in sorted(rendered):
        if each.partition("-")[0] == name and each not in wanted:
            yield f"ConfigMap {each} is not asked for"
