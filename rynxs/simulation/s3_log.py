"""A log in a simulated bucket, kept by the shipped sink `rynxs_sink_s3`."""

from __future__ import annotations

from contextlib import nullcontext
from datetime import UTC, datetime
from importlib import import_module
from typing import TYPE_CHECKING, Any

from rynxs.simulation.object_store import SERVER, Bucket, Client

if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextlib import AbstractContextManager

    from rynxs.eventlog.sink import Sink
    from rynxs.simulation.faults import Faults
    from rynxs.simulation.machine import OsProcess
    from rynxs.simulation.network import Network
    from rynxs.simulation.world import World

_SETTINGS = {
    "bucket": "logs",
    "prefix": "simulated",
    "endpoint": "simulated:9000",
    "attempts": 4,
    "readAhead": 0,  # its threads would run in an order of their own
}
_TOKEN_SIZE = 16


class S3Log:
    """A log in a bucket.

    Attributes:
        bucket: that it is in.
    """

    machines = 3
    """Each replica has one of its own."""
    servers: Sequence[str] = (SERVER,)

    def __init__(self, world: World, network: Network, faults: Faults) -> None:
        """Have no log yet."""
        self.bucket = Bucket(faults)
        self._chance = world.chance("sink")
        self._network = network
        self._faults = faults
        self._settings = _module("settings").S3Settings.model_validate(_SETTINGS)

    def around(self, process: OsProcess) -> AbstractContextManager[None]:
        """Return the context in which the sink of a process meets this bucket: any."""
        return nullcontext()

    def open_writer(self, process: OsProcess) -> Sink:
        """Open it for appending."""
        token = self._chance.randbytes(_TOKEN_SIZE)
        sink: Sink = _module("writer").S3Writer(
            self._bucket(process), self._settings, token, _now_of(process)
        )
        return sink

    def open_reader(self, process: OsProcess) -> Sink:
        """Open it for reading."""
        sink: Sink = _module("reader").S3Reader(
            self._bucket(process), self._settings, _now_of(process)
        )
        return sink

    def died(self, process: OsProcess) -> None:
        """Take in that a process has died: the bucket does not notice."""

    def lose_power(self, machine: str) -> None:
        """Take away the power of a machine: the bucket is somewhere else."""

    def is_empty(self) -> bool:
        """Tell whether no object holds a byte."""
        return not self._filled()

    def rot(self) -> str:
        """Let a bit of an object flip; return its key."""
        key = self._chance.choice(self._filled())
        data = bytearray(self.bucket.objects[key])
        data[self._chance.randrange(len(data))] ^= 1 << self._chance.randrange(8)
        self.bucket.objects[key] = bytes(data)
        return key

    def _filled(self) -> list[str]:
        return sorted(key for key, data in self.bucket.objects.items() if data)

    def _bucket(self, process: OsProcess) -> Any:
        module = _module("bucket")
        patience = module.Patience(
            self._settings.attempts,
            self._settings.backoff_ms / 1_000,
            process.sleep,
            self._chance.random,
        )
        client = Client(self.bucket, self._network, process, self._faults)
        return module.Bucket(client, self._settings, patience)


def _module(name: str) -> Any:
    """Return a module of the sink, which the kernel knows by name only."""
    return import_module(f"rynxs_sink_s3.{name}")


def _now_of(process: OsProcess) -> Any:
    return lambda: datetime.fromtimestamp(process.machine.now_us() / 1_000_000, UTC)
