"""The stored checkpoints of a log as a report shows them: what they say, and who signed."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any, NamedTuple

from rynxs.eventlog import checkpoint as cp
from rynxs.eventlog.rotation import KEY_ROTATED
from rynxs.eventlog.vkey import parse_vkey

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from rynxs.eventlog.sink import Sink
    from rynxs.eventlog.witness import CheckedCheckpoint

Ref = tuple[str, str]


class GivenKey(NamedTuple):
    """A public key that is believed.

    Attributes:
        vkey: its text.
        ref: its name, and its key ID in hex.
    """

    vkey: str
    ref: Ref

    @classmethod
    def of(cls, vkey: str) -> GivenKey:
        """Return the key of a vkey.

        Raises:
            KeyFileError: it is not a vkey.
        """
        return cls(vkey, _ref(vkey))

    def as_json(self) -> dict[str, str]:
        """Return the key as the document holds it."""
        name, key_id = self.ref
        return {"name": name, "keyId": key_id, "vkey": self.vkey}


def known_refs(keys: Sequence[GivenKey], events: Iterable[Mapping[str, Any]]) -> set[Ref]:
    """Return the keys that were given, and those that the log's audited rotations link to them."""
    known = {key.ref for key in keys}
    rotations = [
        {_ref(event["detail"]["old"]), _ref(event["detail"]["new"])}
        for event in (events if keys else ())
        if event["kind"] == KEY_ROTATED
    ]
    for _ in rotations:  # one that links to a later one is found in a later round
        for pair in rotations:
            if pair & known:
                known |= pair
    return known


def described(
    sink: Sink, checked: Iterable[CheckedCheckpoint], known: set[Ref]
) -> list[dict[str, Any]]:
    """Return the checkpoints that the audit matched, smallest first, each size once.

    Args:
        sink: holds them, as the audit found them.
        checked: what the audit matched.
        known: the keys that are believed.
    """
    found: dict[int, dict[str, Any]] = {}
    for each in checked:
        stored = sink.get(each.name)
        assert stored is not None, f"{each.name} was there when it was audited"
        checkpoint, note = cp.parse(stored.data)
        # The newest stands under its size too, and is the one that others may have cosigned.
        if each.size in found and each.name != cp.LATEST:
            continue
        signatures = [
            {
                "name": line.name,
                "keyId": line.key_id.hex(),
                "verified": line.name in each.signed_by and (line.name, line.key_id.hex()) in known,
            }
            for line in note.signatures
        ]
        found[each.size] = {
            "size": each.size,
            "root": base64.b64encode(checkpoint.root).decode(),
            "signatures": signatures,
            "text": stored.data.decode(),
        }
    return [found[size] for size in sorted(found)]


def _ref(vkey: str) -> Ref:
    key = parse_vkey(vkey)
    return key.name, key.key_id.hex()
