"""A log in memory that is led, in virtual time, for tests of what goes by it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rynxs.engine.event import Event
from rynxs.engine.pipeline import Pipeline, stop_at_failures
from rynxs.eventlog.log import Log
from rynxs.operator.position import Positions
from rynxs.operator.takeover import Lead
from rynxs.plugins import PluginManager
from rynxs.sources import FixedEntropy, Sources
from tests.unit.engine.conftest import composition
from tests.unit.operator.virtual_time import now_s

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from rynxs.engine.composition import Composition
    from rynxs.errors import PluginError
    from rynxs.eventlog.note import SigningKey
    from rynxs.testing import MemorySink

ORIGIN = "log.example"


class VirtualClock:
    def now_us(self) -> int:
        return round(now_s() * 1_000_000)


def virtual_sources(identity: str = "tester") -> Sources:
    return Sources(VirtualClock(), FixedEntropy(), identity)


def lead_of(
    sink: MemorySink,
    made_of: Composition | None = None,
    keys: Sequence[SigningKey] = (),
    failed: Callable[[str, PluginError], None] = stop_at_failures,
) -> Lead:
    """Read a log, and begin an epoch in it."""
    log, positions = Log.load(sink), Positions()
    pipeline = Pipeline(made_of or composition(), virtual_sources(), ORIGIN, failed=failed)
    for batch in log.history():
        for header, record in batch:
            pipeline.fold(Event.of_record(header, record))
            positions.read(header, record)
    pipeline.take_lead(0)
    log.append(pipeline.take_entries(), positions.appended)
    return Lead(sink, log, pipeline, positions, keys)


def stored(
    name: str,
    version: int,
    uid: str = "u",
    status: Mapping[str, Any] | None = None,
    **spec: Any,
) -> dict[str, Any]:
    """Return a thing as an API server shows it; its generation is its size."""
    return {
        "apiVersion": "example.org/v1",
        "kind": "Thing",
        "metadata": {
            "generation": spec.get("size", 1),
            "name": name,
            "namespace": "default",
            "resourceVersion": str(version),
            "uid": uid,
        },
        "spec": spec,
        **({} if status is None else {"status": dict(status)}),
    }


def key_of(directory: Path, sources: Sources) -> SigningKey:
    """Return a key that signs the log."""
    plugin = PluginManager().signer("ed25519")
    private, _ = plugin.generate(ORIGIN, sources.entropy.token(32))
    file = directory / "signing.key"
    file.write_text(private)
    file.chmod(0o600)
    key = plugin.load_signer(plugin.settings.model_validate({"keyFile": str(file)}), sources)
    assert key is not None
    return key
