"""One process, its system calls traced: without a fault to see what they are, or with one."""

from __future__ import annotations

import shutil
from functools import partial
from itertools import zip_longest
from typing import TYPE_CHECKING, Final, NamedTuple

from rynxs.api import SinkError, SinkUnavailable
from tests.strace.faults import Place, is_about, place_of
from tests.strace.process import Forked
from tests.strace.tracer import Tracer, TracingImpossible
from tests.strace.workload import AUTHOR, Session

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from pathlib import Path

    from tests.strace.faults import Fault
    from tests.strace.process import Ended, Tell
    from tests.strace.subjects import Situation, Subject
    from tests.strace.tracer import Call
    from tests.strace.workload import Step

QUIET_MAX_S: Final = 60.0
"""Seconds without a step done, after which a process is taken to hang."""

RECORDINGS: Final = 3
BEGUN, DONE, REFUSED = "begun", "done", "refused"


class NotRepeatable(Exception):
    """A process does not make the same calls each time, so none can be told by its number."""


class Run(NamedTuple):
    """A process that was traced to its end.

    Attributes:
        ended: how it ended, and what it told: a word, the number of a step, and of an error its
            name and text.
        calls: its system calls, as far as strace was to tell them.
    """

    ended: Ended
    calls: Sequence[Call]

    @property
    def done(self) -> int:
        """How many steps were acknowledged."""
        return sum(told[0] == DONE for told in self.ended.told)

    @property
    def refusals(self) -> Sequence[tuple[str, str]]:
        """Names and texts of the errors that it met."""
        return [(told[2], told[3]) for told in self.ended.told if told[0] == REFUSED]


class Recording(NamedTuple):
    """The system calls of a process that met no fault.

    Attributes:
        places: those about its log, in order.
        others: names of calls none of which is about it.
    """

    places: Sequence[Place]
    others: Collection[str]


class Bench:
    """A directory for trials of one situation, one after the other.

    Attributes:
        subject: the sink.
        situation: the log as each trial meets it.
        directory: where the log is.
    """

    def __init__(self, workshop: Path, subject: Subject, situation: Situation) -> None:
        """`workshop` is a directory that is there."""
        self.subject = subject
        self.situation = situation
        self.directory = workshop / "trial"
        self._workshop = workshop

    def recorded(self) -> Recording:
        """Return which calls a process makes, if nothing fails.

        Raises:
            NotRepeatable: it does not do the same each time.
        """
        first, *others = (self._recorded() for _ in range(RECORDINGS))
        for other in others:
            for one, another in zip_longest(first.places, other.places):
                if one != another:
                    name = f"{self.subject.name}/{self.situation.name}"
                    raise NotRepeatable(f"{name}: {one} was {another} when nothing was changed")
        return first

    def inject(self, place: Place, fault: Fault) -> Run:
        """Let a process do its steps, and fail at a place.

        Raises:
            TracingImpossible: strace may not attach to it.
        """
        options = (
            f"--trace={place.name},mmap",  # by which an address is known to be a file's
            *("-e", fault.injected(place.name, place.nth)),
        )
        return self._run(options, tries_again=tries_again(place, fault))

    def _recorded(self) -> Recording:
        run = self._run((), tries_again=False)
        assert (run.ended.status, run.refusals) == (0, []), run.ended
        about = [call for call in run.calls if is_about(call, self.directory)]
        names = {call.name for call in about}
        return Recording(
            [place_of(call, self.directory) for call in about],
            {call.name for call in run.calls if call.name not in names},
        )

    def _run(self, options: Sequence[str], *, tries_again: bool) -> Run:
        """Let a process do its steps on a log of its own, with strace at it."""
        shutil.rmtree(self.directory, ignore_errors=True)
        shutil.copytree(self.situation.image, self.directory)
        process = Forked(partial(self._work, tries_again), self._workshop / "errors")
        try:
            tracer = Tracer(process.pid, self._workshop / "calls", options)
        except TracingImpossible:
            process.abandon()
            raise
        process.go()
        ended = process.ended(QUIET_MAX_S)
        return Run(ended, tracer.calls())

    def _work(self, tries_again: bool, tell: Tell) -> None:
        is_written = self.situation.writes
        opener = self.subject.writer if is_written else self.subject.reader
        session = Session(partial(opener, self.directory), AUTHOR)
        for number, step in enumerate(self.situation.steps):
            tell(BEGUN, number)
            try:
                _do(step, number, session, tell)
            except SinkUnavailable:
                if not tries_again:
                    raise
                _do(step, number, session, tell)
            tell(DONE, number)


def tries_again(place: Place, fault: Fault) -> bool:
    """Tell whether a process does a step again that fails by a fault.

    Not where a descriptor could not be closed: strace does not let the call happen for which it
    makes up an error, but Linux closes the descriptor even then, and gives up its locks.
    """
    return fault.tries_again and place.name != "close"


def _do(step: Step, number: int, session: Session, tell: Tell) -> None:
    try:
        step(session)
    except SinkError as error:
        tell(REFUSED, number, type(error).__name__, str(error))
        raise
