"""What is injected, and where: every call about the log, as a run without a fault has made it."""

from __future__ import annotations

import random
from itertools import groupby
from pathlib import PurePath
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from tests.strace.tracer import Call


class Fault(NamedTuple):
    """A way to fail.

    Attributes:
        name: of the fault.
        injection: as strace has it.
        lasts: whether all later calls of that name fail too.
        kills: whether it ends the process, at the call and before that has done anything.
        tries_again: whether the process does a step again that has failed, once.
    """

    name: str
    injection: str
    lasts: bool = False
    kills: bool = False
    tries_again: bool = False

    def injected(self, call: str, nth: int) -> str:
        """Return the expression for strace."""
        return f"inject={call}:{self.injection}:when={nth}{'+' if self.lasts else ''}"


INTERRUPTION: Final = "EINTR"
# No interruption lasts: Python and LMDB repeat an interrupted call for as long as it is.
FAULTS: Final = (
    Fault("EIO", "error=EIO", tries_again=True),
    Fault("EIO-lasting", "error=EIO", lasts=True),
    Fault("ENOSPC", "error=ENOSPC"),
    Fault("ENOSPC-lasting", "error=ENOSPC", lasts=True),
    Fault(INTERRUPTION, f"error={INTERRUPTION}", tries_again=True),
    Fault("SIGKILL", "signal=SIGKILL", kills=True),
)


class Place(NamedTuple):
    """A call about the log.

    Attributes:
        name: of the system call.
        nth: which call of that name in the process it is.
        paths: that it names; those at and below the trial's directory are relative to it.
    """

    name: str
    nth: int
    paths: tuple[str, ...]


class Point(NamedTuple):
    """One fault at one call of one process."""

    subject: str
    situation: str
    place: Place
    fault: Fault

    def __str__(self) -> str:
        """Return the name by which it can be tried alone."""
        where = f"{self.subject}/{self.situation}/{self.place.name}/{self.place.nth}"
        return f"{where}/{self.fault.name}"


def place_of(call: Call, directory: PurePath) -> Place:
    """Return where a call was made, the same for each trial in whatever directory."""
    return Place(call.name, call.nth, tuple(_relative(path, directory) for path in call.paths))


def is_about(call: Call, directory: PurePath) -> bool:
    """Tell whether a call names something in a directory, or what that lies in.

    All else is of the interpreter, the allocator, signals, clocks, or of this package.
    """
    return any(
        PurePath(path).is_relative_to(directory) or directory.is_relative_to(path)
        for path in call.paths
    )


def is_asked(name: str, asked: Sequence[str]) -> bool:
    """Tell whether the name of a point, or its beginning, is asked for, or all are.

    What is asked for are beginnings of names, and a beginning is asked for if the name of a point
    that begins so may be.
    """
    parts = name.split("/")
    return not asked or any(
        all(one == other for one, other in zip(parts, each.split("/"), strict=False))
        for each in asked
    )


def points(subject: str, situation: str, places: Iterable[Place]) -> Iterator[Point]:
    """Yield every fault at every place."""
    for place in places:
        for fault in FAULTS:
            yield Point(subject, situation, place, fault)


def sample(found: Sequence[Point], count: int, seed: int) -> Sequence[Point]:
    """Return so many points, some of each system call, in their order."""
    shuffled = list(found)
    random.Random(seed).shuffle(shuffled)
    ranked = []
    for _, group in groupby(sorted(shuffled, key=_call), _call):
        ranked += list(enumerate(group))
    ranked.sort(key=lambda each: each[0])
    taken = {point for _, point in ranked[:count]}
    return [point for point in found if point in taken]


def _call(point: Point) -> tuple[str, str, str]:
    return point.subject, point.situation, point.place.name


def _relative(path: str, directory: PurePath) -> str:
    pure = PurePath(path)
    return str(pure.relative_to(directory)) if pure.is_relative_to(directory) else path
