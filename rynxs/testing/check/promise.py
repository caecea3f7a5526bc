"""What is judged, and what came of it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Outcome = Literal["passed", "failed", "skipped"]


class Promise(NamedTuple):
    """A promise of a kit, judged.

    Attributes:
        name: in words, as ``a new log is empty``.
        outcome: ``skipped`` if it does not apply to this plugin.
        message: why it failed or was skipped, else empty.
    """

    name: str
    outcome: Outcome
    message: str


class Order(NamedTuple):
    """What is to be judged; goes to another process as JSON.

    Attributes:
        family: of the plugin.
        module: import path of the module with its hook.
        settings: raw settings of a reducer or renderer.
        objects: sample manifests for it.
        neighbours: sample manifests of the kinds that a reducer governs or reads.
        reducers: module and raw settings of each other reducer that makes slices of the samples.
        renderers: module and raw settings of each renderer whose manifests a renderer revises.
        log: what follows ``name:`` in the URL of a sink's logs, with ``{}`` for a fresh name; None
            for paths in a temporary directory.
        kills: how often a sink's writer is killed.
        notes: what of it is not judged, a sentence each.
    """

    family: str
    module: str
    settings: Mapping[str, Any] = {}
    objects: Sequence[Mapping[str, Any]] = ()
    neighbours: Sequence[Mapping[str, Any]] = ()
    reducers: Sequence[tuple[str, Mapping[str, Any]]] = ()
    renderers: Sequence[tuple[str, Mapping[str, Any]]] = ()
    log: str | None = None
    kills: int = 20
    notes: Sequence[str] = ()

    def as_json(self) -> str:
        """Return the order as text."""
        return json.dumps(self._asdict())

    @classmethod
    def from_json(cls, text: str) -> Order:
        """Return the order that a text is."""
        return cls(**json.loads(text))
