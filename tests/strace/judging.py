"""What must hold after a trial: of the process that met the fault, and of the log that it left."""

from __future__ import annotations

import signal
from functools import partial
from typing import TYPE_CHECKING, Final

from rynxs.api import RynxsError, SinkUnavailable
from tests.strace.faults import INTERRUPTION, place_of
from tests.strace.process import Forked
from tests.strace.trial import tries_again
from tests.strace.workload import BEGIN, LOAD, Session, State, objects_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from tests.strace.faults import Point
    from tests.strace.process import Tell
    from tests.strace.subjects import Situation, Subject
    from tests.strace.trial import Bench, Run

# Of whose failure a process must hear: what it writes and flushes is all that it promises.
TOLD: Final = {
    "fdatasync",
    "fsync",
    "msync",
    "pwrite64",
    "pwritev",
    "rename",
    "renameat2",
    "writev",
}
SUCCESSOR: Final = "successor"
QUIET_MAX_S: Final = 60.0


def verdict(point: Point, bench: Bench) -> Sequence[str]:
    """Inject a fault, and return what was wrong then and afterwards."""
    run = bench.inject(point.place, point.fault)
    return [*_of_process(point, run, bench), *_of_log(bench, run)]


def _of_process(point: Point, run: Run, bench: Bench) -> Iterator[str]:
    """Yield what is wrong with how a process took a fault."""
    at = point.place.name, point.place.nth
    hit = [call for call in run.calls if (call.name, call.nth) == at]
    if [place_of(call, bench.directory) for call in hit] != [point.place]:
        yield f"the fault met another call: {hit[0].line if hit else 'none'}"
    elif not hit[0].is_injected and not point.fault.kills:
        yield f"the fault did not happen: {hit[0].line}"
    told, status, errors = run.ended
    if errors:
        yield f"it wrote to its standard error:\n{errors.rstrip()}"
    if status is None:
        yield f"it hung, and the last that it told was {told[-1:]}"
    elif not point.fault.kills:
        yield from _of_error(point, run, bench)
    elif status != -signal.SIGKILL:
        yield f"it was to be killed, and ended with status {status}"


def _of_error(point: Point, run: Run, bench: Bench) -> Iterator[str]:
    place, fault, status = point.place, point.fault, run.ended.status
    steps = len(bench.situation.steps)
    for name, text in run.refusals:
        if name != SinkUnavailable.__name__:
            yield f"an error of the system became a {name}: {text}"
    if status == 0:
        if run.done != steps:
            yield f"it ended well after {run.done} of {steps} steps"
        is_cache = any(path.endswith(bench.subject.caches) for path in place.paths)
        must_hear = place.name in TOLD and not is_cache and fault.name != INTERRUPTION
        if must_hear and not run.refusals:
            yield "it did not hear of the error"
    elif status != SinkUnavailable.exit_code or not run.refusals:
        yield f"it ended with status {status} and the errors {run.refusals}"
    elif tries_again(place, fault):
        yield f"what failed once failed again: {run.refusals}"


def _of_log(bench: Bench, run: Run) -> Iterator[str]:
    """Yield what is wrong with the log that a process has left, as other processes find it."""
    work = partial(_judge, bench.subject, bench.situation, run.done, bench.directory)
    process = Forked(work, bench.directory.with_name("errors-judging"))
    process.go()
    told, status, errors = process.ended(QUIET_MAX_S)
    yield from (text for (text,) in told)
    if status != 0 or errors:
        yield f"afterwards, a process ended with status {status}:\n{errors.rstrip()}"


def _judge(subject: Subject, situation: Situation, done: int, directory: Path, tell: Tell) -> None:
    """Look at a log, and tell what is wrong; that it can't be used is wrong too."""
    try:
        _use(subject, situation, done, directory, tell)
    except RynxsError as error:
        tell(f"afterwards: {type(error).__name__}: {error}")


def _use(subject: Subject, situation: Situation, done: int, directory: Path, tell: Tell) -> None:
    """Look at a log as a reader, go on with it as the next writer, and look again."""
    least = situation.states[done]
    most = situation.states[min(done + 1, len(situation.steps))]
    if least.records:  # else there may be no log yet
        reader = subject.reader(directory)
        acknowledged = State(tuple(reader.read(0, len(least.records))), objects_of(reader))
        reader.close()
        records = most.records[: len(least.records)]
        _compare(acknowledged, least, State(records, most.objects), tell)
    successor = Session(partial(subject.writer, directory), SUCCESSOR)
    successor.open()
    found = State.of(successor.sink)
    _compare(found, least, most, tell)
    successor.audit()
    in_memory = found.in_memory()
    _go_on(situation, done, successor, Session(lambda: in_memory, SUCCESSOR))
    successor.close()
    _finish(subject, directory)
    reader_again = Session(partial(subject.reader, directory), SUCCESSOR)
    reader_again.open()
    if State.of(reader_again.sink) != State.of(in_memory):
        tell("the next writer went on, and what it wrote is not what is there")
    reader_again.audit()
    incidents = reader_again.sink.incidents()
    reader_again.close()
    if len(incidents) != situation.incidents:
        tell(f"{len(incidents)} incidents are told, not {situation.incidents}: {incidents}")
    for wrong in subject.leftovers(directory):
        tell(wrong)


def _compare(found: State, least: State, most: State, tell: Tell) -> None:
    """Tell what is neither as it was acknowledged nor as the step under way would have made it."""
    if len(found.records) not in {len(least.records), len(most.records)}:
        tell(f"{len(found.records)} records are there, {len(least.records)} were acknowledged")
    for seq, (record, new) in enumerate(zip(found.records, most.records, strict=False)):
        if record not in (new, *least.records[seq : seq + 1]):
            tell(f"record {seq} is another")
    for name in sorted({*found.objects, *least.objects}):
        if found.objects.get(name) not in (least.objects.get(name), most.objects.get(name)):
            tell(f"object {name} is neither as it was nor as it was to be")


def _go_on(situation: Situation, done: int, successor: Session, expected: Session) -> None:
    """Do the steps that were not acknowledged, on the log and in memory."""
    expected.open()
    if situation.writes:
        for step in (LOAD, *situation.steps[max(done, len(BEGIN)) :]):
            step(successor)
            step(expected)


def _finish(subject: Subject, directory: Path) -> None:
    """Remove what killed processes have left, by erasing nothing."""
    sink = subject.writer(directory)
    sink.erase(())
    sink.close()
