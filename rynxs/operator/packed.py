"""JSON values kept small: what is looked at rarely and there are tens of thousands of.

As Python objects, the metadata and the manifests of one agent take over 50 KiB; packed, about 3.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Sequence
from typing import Any, overload

from rynxs.engine.plan import Manifest

_FAST = 1


def pack(value: Any) -> bytes:
    """Return a JSON value as few bytes."""
    return zlib.compress(json.dumps(value, separators=(",", ":")).encode(), _FAST)


def unpack(packed: bytes) -> Any:
    """Return the value that was packed, as a new one."""
    return json.loads(zlib.decompress(packed))


class PackedManifests(Sequence[Manifest]):
    """Manifests, unpacked whenever one is asked for."""

    def __init__(self, manifests: Sequence[Manifest]) -> None:
        """Pack manifests."""
        self._count = len(manifests)
        self._packed = pack([list(manifest) for manifest in manifests])

    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, index: int) -> Manifest: ...
    @overload
    def __getitem__(self, index: slice) -> list[Manifest]: ...
    def __getitem__(self, index: int | slice) -> Manifest | list[Manifest]:
        found = [Manifest(*each) for each in unpack(self._packed)]
        return found[index]

    def __iter__(self) -> Any:
        return iter(self[:])
