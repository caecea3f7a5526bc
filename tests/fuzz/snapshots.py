"""Target: snapshots (docs/FORMAT.md, section 8)."""

from __future__ import annotations

from functools import cache
from tempfile import NamedTemporaryFile
from typing import TYPE_CHECKING, Any, Final

from rynxs.embedded.manifests import read_manifests
from rynxs.engine import snapshot
from rynxs.engine.pipeline import Pipeline
from rynxs.errors import LogCorrupt, PluginError
from rynxs.eventlog import cbor
from rynxs.eventlog.chain import Chain
from rynxs.eventlog.log import Log
from rynxs.sources import fixed_sources
from rynxs.testing import MemorySink
from tests.fuzz.manifests import composition, examples, observe
from tests.fuzz.target import Target

if TYPE_CHECKING:
    from rynxs.engine.snapshot import Restored

_SALT: Final = bytes(16)
_COMPOSITION, _ROWS = 6, 8
_PAYLOAD, _LINES = 4, 1


def restored(data: bytes) -> None:
    """A snapshot is none, or a state that can be asked, and kept again as the same bytes.

    An input is a snapshot, or one whose composition, rows, slices and payloads are not wrapped in
    byte strings, which is done here.
    """
    for each in (data, _wrapped(data)):
        found = snapshot.decode(each, composition())
        if found is not None:
            _ask(found)


def _ask(found: Restored) -> None:
    """Ask a state all that the kernel answers by itself, or says of whom the answer is.

    What is read late may then prove to be corrupt, and a renderer may fail on a slice that its
    reducer never made. The status is left out: the conditions in it are the reducer's alone.
    """
    state = found.state
    assert len(found.chain.frontier.root()) == 32
    for subject in sorted({*state.live(), *state.plans, *state.unplanned, *state.timed()}):
        try:
            state.observation(subject)
            state.plan_payload(subject, state.manifests(subject))
            state.deadline(subject)
        except (LogCorrupt, PluginError):
            continue
    try:
        state.digest()
        kept = snapshot.encode(state, found.chain, composition(), _SALT)
    except LogCorrupt:
        return
    again = snapshot.decode(kept, composition())
    assert again is not None
    assert snapshot.encode(again.state, again.chain, composition(), _SALT) == kept


def _wrapped(data: bytes) -> bytes:
    """Return a snapshot with the composition put in, and wrapped what is to be bytes."""
    try:
        members = cbor.loads(data)
        members[_COMPOSITION] = composition().as_json()
        members[_ROWS] = [[subject, _row(row)] for subject, row in members[_ROWS]]
        return cbor.dumps(members)
    except (*cbor.DECODE_ERRORS, LookupError, AttributeError):
        return b""


def _row(row: Any) -> bytes:
    newest, current, plan, unplanned = row
    if isinstance(newest, list):
        newest = [*newest[:_PAYLOAD], _bytes(newest[_PAYLOAD]), *newest[_PAYLOAD + 1 :]]
    if isinstance(plan, list):
        plan = [*plan[:_LINES], _bytes(plan[_LINES]), *plan[_LINES + 1 :]]
    return cbor.dumps([newest, _bytes(current), plan, unplanned])


def _bytes(value: Any) -> Any:
    return cbor.dumps(value) if isinstance(value, dict) else value


def _unwrapped(data: bytes) -> bytes:
    """Return what `_wrapped` makes a snapshot of."""
    members = cbor.loads(data)
    members[_COMPOSITION] = None
    members[_ROWS] = [[subject, _open_row(cbor.loads(row))] for subject, row in members[_ROWS]]
    return cbor.dumps(members)


def _open_row(row: Any) -> Any:
    newest, current, plan, unplanned = row
    if newest is not None and newest[_PAYLOAD] is not None:
        newest[_PAYLOAD] = cbor.loads(newest[_PAYLOAD])
    if plan is not None and plan[_LINES] is not None:
        plan[_LINES] = cbor.loads(plan[_LINES])
    return [newest, cbor.loads(current) if current else current, plan, unplanned]


@cache
def _snapshots() -> tuple[bytes, ...]:
    """Return snapshots of logs of one example each."""
    made = []
    for text in examples()[:3]:
        pipeline, sink = Pipeline(composition(), fixed_sources(1_000_000), "a"), MemorySink()
        with NamedTemporaryFile(suffix=".yaml") as file:
            file.write(text)
            file.flush()
            observe(pipeline, read_manifests([file.name], composition(), "default").found)
        Log.open(sink).append(pipeline.take_entries())
        chain = Chain()
        chain.verify(sink.records)
        made.append(snapshot.encode(pipeline.state, chain, composition(), _SALT))
    return tuple(made)


TARGETS: Final = (
    Target("snapshot", restored, lambda: [*map(_unwrapped, _snapshots()), _snapshots()[0]]),
)
