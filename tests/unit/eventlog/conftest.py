from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import pytest

from rynxs.eventlog import canonical
from rynxs.eventlog.log import Entry, Log
from rynxs.testing import MemorySink

if TYPE_CHECKING:
    from rynxs.eventlog.record import Record


class MakeRecords(Protocol):
    def __call__(self, count: int) -> list[Record]: ...


def entry(number: int) -> Entry:
    body = {"number": number, "text": "x" * (number % 50)}
    payload = canonical.encode(body | {"origin": "log"} if number == 0 else body)
    salt = b"0123456789abcdef" if number % 7 == 3 else b""
    kind = "EpochStarted" if number == 0 else "ThingObserved"
    subject = "" if number == 0 else f"example.org/Thing/default/t{number % 5}"
    cause = number - 1 if number % 3 == 2 else None
    return Entry(kind, subject, payload, 1 + number // 40, 1_000_000 + number, cause, salt)


@pytest.fixture
def entries() -> list[Entry]:
    return [entry(number) for number in range(100)]


@pytest.fixture
def make_records() -> MakeRecords:
    def make(count: int) -> list[Record]:
        sink = MemorySink()
        Log.open(sink).append([entry(number) for number in range(count)])
        return sink.records

    return make
