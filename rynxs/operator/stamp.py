"""Stamps: the annotations by which an object in the cluster says which plan it comes from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

ORIGIN: Final = "universe.ai/log-origin"
SUBJECT: Final = "universe.ai/subject"
SEQ: Final = "universe.ai/log-seq"
EPOCH: Final = "universe.ai/log-epoch"
DIGEST: Final = "universe.ai/manifest-digest"
STAMPED: Final = (ORIGIN, SUBJECT, SEQ, EPOCH, DIGEST)
"""The annotations of a stamp."""
_MOST: Final = 2**62
"""What a log may hold as seq or epoch, with room for the epochs after it."""
LEAP_MOST: Final = 2**32
"""So far an object's epoch may be above the log's own; the rest is forged.

Whoever may annotate an object could else bring the log to where there are no epochs left. One that
begins every second takes a century for so many.
"""


class Stamp(NamedTuple):
    """Where an object comes from.

    Attributes:
        origin: of the log.
        subject: whose plan it is of.
        seq: the ``Planned`` record that asked for it as it is.
        epoch: in which it was applied.
        digest: of the manifest without its stamp, lower-case hex.
    """

    origin: str
    subject: str
    seq: int
    epoch: int
    digest: str


def stamped(manifest: Mapping[str, Any], stamp: Stamp) -> dict[str, Any]:
    """Return a manifest with a stamp; the manifest itself is left as it is."""
    metadata = manifest["metadata"]
    annotations = {
        **(metadata.get("annotations") or {}),
        ORIGIN: stamp.origin,
        SUBJECT: stamp.subject,
        SEQ: str(stamp.seq),
        EPOCH: str(stamp.epoch),
        DIGEST: stamp.digest,
    }
    return {**manifest, "metadata": {**metadata, "annotations": annotations}}


def stamp_of(metadata: Mapping[str, Any]) -> Stamp | None:
    """Return the stamp of an object's metadata, None when it has none, or a garbled one."""
    annotations = metadata.get("annotations") or {}
    if not all(isinstance(annotations.get(name), str) for name in STAMPED):
        return None
    origin, subject, seq, epoch, digest = (str(annotations[name]) for name in STAMPED)
    if not (origin and _is_number(seq) and _is_number(epoch)):
        return None
    return Stamp(origin, subject, int(seq), int(epoch), digest)


def _is_number(text: str) -> bool:
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(_MOST))):
        return False
    return int(text) <= _MOST
