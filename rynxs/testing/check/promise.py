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
        reducers: module and raw settings of each reducer that makes slices for a renderer.
        log: what follows ``name:`` in the URL of a sink's logs, with ``{}`` for a fresh name; None
            for paths in a temporary directory.
        kills: how often a sink's writer is killed.
    """

    family: str
    module: str
    settings: Mapping[str, Any] = {}
    objects: Sequence[Mapping[str, Any]] = ()
    reducers: Sequence[tuple[str, Mapping[str, Any]]] = ()
    log: str | None = None
    kills: int = 20

    def as_json(self) -> str:
        """Return the order as text."""
        return json.dumps(self._asdict())

    @classmethod
    def from_json(cls, text: str) -> Order:
        """Return the order that a text is."""
        return cls(**json.loads(text))
