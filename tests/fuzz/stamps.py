"""Target: the annotations by which an object in a cluster says which plan it comes from."""

from __future__ import annotations

from typing import Any, Final

from rynxs.operator import stamp
from rynxs.operator.stamp import Stamp
from tests.fuzz.target import Target

_STAMP: Final = Stamp("log.example", "universe.ai/Agent/default/a", 7, 2, "0" * 64)


def stamped(data: bytes) -> None:
    """Annotations are no stamp, or one that survives being put on an object.

    An input is the values of the annotations, in their order, one a line.
    """
    values = data.decode(errors="replace").split("\n")
    metadata = {"annotations": dict(zip(stamp.STAMPED, values, strict=False))}
    found = stamp.stamp_of(metadata)
    if found is None:
        return
    assert 0 <= found.seq <= 2**62
    assert 0 <= found.epoch <= 2**62
    assert stamp.stamp_of(stamp.stamped({"metadata": metadata}, found)["metadata"]) == found


def _annotations() -> list[bytes]:
    made: Any = stamp.stamped({"metadata": {}}, _STAMP)["metadata"]["annotations"]
    return ["\n".join(made[name] for name in stamp.STAMPED).encode()]


TARGETS: Final = (Target("stamp", stamped, _annotations),)
