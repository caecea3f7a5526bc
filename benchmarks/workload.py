"""The workload: where logs are, and the payloads of 300 bytes that go into them."""

from __future__ import annotations

from itertools import count, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from rynxs.config import Config
from rynxs.eventlog import canonical
from rynxs.eventlog.log import Entry
from rynxs.plugins import PluginManager
from rynxs.settings import RawConfig

if TYPE_CHECKING:
    from collections.abc import Iterator

BATCH = 1_000
PAYLOAD_BYTES = 300
KIND = "AgentObserved"
TIME_US = 1_767_225_600_000_000
_SUBJECTS = [f"universe.ai/Agent/default/agent-{number:05d}" for number in range(5_000)]
ORIGIN = "benchmarks.example/log"
_TEXT = 156  # makes a payload of `PAYLOAD_BYTES`
_NAMED = 30  # bytes that the origin and its key take

Item = tuple[str, dict[str, Any]]
"""A subject and a payload."""


def config(url: str) -> Config:
    """Return the default configuration with the log that a URL names."""
    return Config(RawConfig(), PluginManager(), "benchmarks").with_log(url)


def file_log(directory: Path) -> Config:
    """Return the default configuration with a log of the file sink in `directory`."""
    return config(f"file:{quote(str(directory))}")


def items() -> Iterator[Item]:
    """Yield subjects and payloads of `PAYLOAD_BYTES` when encoded, without end."""
    for number in count():
        # A log's first record names it.
        named = {} if number else {"origin": ORIGIN}
        yield (
            _SUBJECTS[number % len(_SUBJECTS)],
            {
                "actor": {"authenticated": False, "name": f"user-{number % 97:02d}@example.org"},
                "generation": 70_000 + number % 60_000,
                "image": f"ghcr.io/rynxs/agent@sha256:{number % 9973:016x}",
                "replicas": 1 + number % 3,
                "role": "worker",
                "text": "t" * (_TEXT - (_NAMED if named else 0)),
                **named,
            },
        )


def take(source: Iterator[Item], records: int = BATCH) -> list[Item]:
    """Return the next `records` items."""
    return list(islice(source, records))


def entries(batch: list[Item]) -> list[Entry]:
    """Encode payloads and make entries of them, which is the first half of an append."""
    encode = canonical.encode
    return [Entry(KIND, subject, encode(payload), 1, TIME_US) for subject, payload in batch]


def file_system(directory: Path) -> str:
    """Return the device and the type of the file system that a directory is on."""
    resolved = directory.resolve()
    mounts = [line.split(" ") for line in Path("/proc/mounts").read_text().splitlines()]
    holding = [
        (len(point), device, kind)
        for device, point, kind, *_ in mounts
        if resolved.is_relative_to(point)
    ]
    _, device, kind = max(holding)
    return f"{kind} on {device}"
