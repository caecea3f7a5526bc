"""A stretch of a log verified on its own, so that processes can share a log out.

All that a stretch can't know by itself is what came before it: so it says which record it took for
its predecessor, and its subtrees, and whoever joins the stretches compares them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from rynxs.errors import LogCorrupt
from rynxs.eventlog import record as rec
from rynxs.eventlog.chain import Chain, Tip
from rynxs.eventlog.log import batched
from rynxs.eventlog.merkle import Frontier

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rynxs.eventlog.record import Header, Record
    from rynxs.eventlog.sink import Sink

STRETCH = 2**15
"""Records of a stretch: a power of two, so that its subtrees are subtrees of the log's tree."""

Noted = tuple["Header", "Record"]


class Stretch(NamedTuple):
    """A verified stretch.

    Attributes:
        before: the tip that it goes on from, as the sink has it.
        tip: where it ends.
        parts: what lies before each place where the stretch was cut, and before its end.
    """

    before: Tip
    tip: Tip
    parts: list[Part]


class Part(NamedTuple):
    """What a stretch has up to some place.

    Attributes:
        frontier: of the stretch's own tree, from its start to this place.
        noted: headers and records, since the place before, that verifying a log has to look at.
    """

    frontier: Frontier
    noted: list[Noted]


def stretches(size: int) -> list[tuple[int, int]]:
    """Return start and stop of each stretch of a log of that size."""
    return [(start, min(start + STRETCH, size)) for start in range(0, size, STRETCH)]


def verify_stretch(
    sink: Sink, start: int, stop: int, cuts: Sequence[int], kinds: frozenset[str]
) -> Stretch:
    """Verify the records from `start`, a multiple of `STRETCH`, to `stop`.

    Args:
        sink: the log.
        start: the first of the records.
        stop: the end of the records.
        cuts: sizes of the log, rising, between `start` and `stop`, to give the tree at.
        kinds: records of these kinds are noted, and those without a payload.

    Raises:
        LogCorrupt: a record does not hold.
        SinkError: the sink can't be read.
    """
    before = _tip_at(sink, start)
    chain = _Stretch(start, before)
    parts = []
    for end in dict.fromkeys((*cuts, stop)):
        noted: list[Noted] = []
        for records in batched(sink.read(chain.size, end)):
            headers = chain.verify(records)
            noted += [
                pair
                for pair in zip(headers, records, strict=True)
                if pair[0].kind in kinds or pair[1].payload is None
            ]
        if chain.size < end:
            raise LogCorrupt(chain.size, f"missing: the log had {stop} records")
        parts.append(Part(Frontier(chain.frontier.size, chain.frontier.nodes()), noted))
    return Stretch(before, chain.tip, parts)


class _Stretch(Chain):
    """A chain that counts its records from somewhere else than the first."""

    def __init__(self, start: int, tip: Tip) -> None:
        super().__init__(tip)
        self._start = start

    @property
    def size(self) -> int:
        return self._start + self.frontier.size


def _tip_at(sink: Sink, size: int) -> Tip:
    """Return where a log of `size` records ends, by the last of them."""
    if not size:
        return Tip()
    record = next(iter(sink.read(size - 1, size)), None)
    if record is None:
        raise LogCorrupt(size - 1, "missing")
    try:
        header = rec.decode_header(record.header)
    except rec.MalformedHeader as error:
        raise LogCorrupt(size - 1, str(error)) from None
    return Tip(rec.leaf_hash(record.header), header.epoch, header.time_us)
