"""All targets, by name."""

from __future__ import annotations

from typing import Final

from tests.fuzz import (
    batch_objects,
    configuration,
    manifests,
    notes,
    proofs,
    records,
    segments,
    snapshots,
    stamps,
    tiles,
)
from tests.fuzz.target import Target

_GROUPS: Final = (
    records,
    segments,
    batch_objects,
    notes,
    proofs,
    tiles,
    snapshots,
    configuration,
    manifests,
    stamps,
)
TARGETS: Final[dict[str, Target]] = {
    target.name: target for group in _GROUPS for target in group.TARGETS
}


def _divided(data: bytes) -> None:
    """What this promises is not so: that a byte can be divided by the next one."""
    if len(data) > 1:
        assert data[0] // data[1] >= 0


PLANTED: Final = Target("planted", _divided, lambda: [b"75"])
"""Fails, and so shows that failures are found; it runs only if it is named."""


def target_of(name: str) -> Target:
    """Return the target of a name, be it the planted one.

    Raises:
        KeyError: there is none.
    """
    return {PLANTED.name: PLANTED, **TARGETS}[name]
