"""Setting a torn batch aside, step by step, and telling what was set aside."""

from __future__ import annotations

import json
import os
import shutil
from typing import TYPE_CHECKING, Any
from zlib import crc32

import pytest

from rynxs.api import Incident, SinkCorrupt, SinkUnavailable
from rynxs_sink_file.segment import MAGIC

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from rynxs.api import Record

LAST = 2  # records in the last batch of the logs here


def _checked(facts: str) -> bytes:
    """Return a note of facts, in JSON as `json.dumps` makes it, with their checksum."""
    return f'{{"crc32": "{crc32(facts.encode()):08x}", {facts[1:]}'.encode()


def _last_segment(path: Path) -> Path:
    return max((path / "segments").glob("*.seg"))


def _split(path: Path) -> tuple[bytes, bytes]:
    """Return the last segment's bytes before its last batch, and that batch."""
    whole = _last_segment(path).read_bytes()
    place = whole.rindex(MAGIC)
    return whole[:place], whole[place:]


def test_a_recovery_that_breaks_at_any_step_is_done_by_the_next_opening(
    make_log: Callable[..., tuple[Path, list[Record]]],
    tmp_path: Path,
    open_writer: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    image, _ = make_log([1, 2, LAST], crashed=True)
    whole, batch = _split(image)
    for call in ("fsync", "ftruncate", "pwrite", "replace"):
        for occurrence in range(1, 20):
            path = tmp_path / f"{call}{occurrence}"
            shutil.copytree(image, path)
            _last_segment(path).write_bytes(whole + batch[:-1])
            broke = _open_with_failing(call, occurrence, open_writer, path, monkeypatch)
            writer = open_writer(path)
            (incident,) = writer.incidents()
            assert (writer.size(), incident.seq) == (3, 3)
            tail = (path / "quarantine" / f"{incident.id}.tail").read_bytes()
            assert tail == batch[:-1]
            writer.close()
            if not broke:
                break
        assert occurrence > 1, f"{call} never failed"


def _open_with_failing(
    call: str,
    occurrence: int,
    open_writer: Callable[..., Any],
    path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> bool:
    real, count = getattr(os, call), 0

    def failing(*args: Any) -> Any:
        nonlocal count
        count += 1
        if count == occurrence:
            raise OSError(5, "Input/output error")
        return real(*args)

    with monkeypatch.context() as patch:
        patch.setattr(os, call, failing)
        try:
            open_writer(path).close()
        except SinkUnavailable:
            return True
    return count >= occurrence


@pytest.mark.parametrize(
    "note",
    [
        *(b"", b"{", b"[]", b"null", b"\xff\xfe", b"[" * 3000, b"9" * 5000),
        *(b"{}", b'{"crc32": "00000000", "seq": 0, "size": 1, "reason": "x"}'),
        _checked('{"reason": "x", "seq": true, "size": 1}'),
        _checked('{"reason": "x", "seq": "0", "size": 1}'),
        _checked('{"reason": "x", "seq": 0, "size": -1}'),
        _checked('{"reason": "x", "seq": 0, "size": 1.0}'),
        _checked(f'{{"reason": "x", "seq": {2**63}, "size": 1}}'),
        _checked('{"reason": ["x"], "seq": 0, "size": 1}'),
        _checked('{"reason": "\\ud800", "seq": 0, "size": 1}'),
    ],
)
def test_a_garbled_note_of_an_incident_is_reported_and_not_decoded_anyhow(
    note: bytes,
    make_log: Callable[..., tuple[Path, list[Record]]],
    open_writer: Callable[..., Any],
    open_reader: Callable[..., Any],
) -> None:
    path, _ = make_log([1, LAST], crashed=True)
    whole, batch = _split(path)
    _last_segment(path).write_bytes(whole + batch[:-1])
    writer = open_writer(path)
    (incident,) = writer.incidents()
    assert json.loads((path / "quarantine" / f"{incident.id}.json").read_bytes())["seq"] == 1
    (path / "quarantine" / f"{incident.id}.json").write_bytes(note)
    (path / "quarantine" / "remarks.json").write_bytes(b"a file of the administrator's")
    for sink in (writer, open_reader(path)):
        with pytest.raises(SinkCorrupt, match="is garbled") as caught:
            sink.incidents()
        assert caught.value.seq == 1


def test_a_note_is_garbled_for_what_it_says_and_not_for_its_checksum(
    make_log: Callable[..., tuple[Path, list[Record]]], open_reader: Callable[..., Any]
) -> None:
    path, _ = make_log([1])
    name = f"{1:020d}-{0:016x}"
    (path / "quarantine").mkdir()
    note = _checked('{"reason": "x", "seq": 1, "size": 7}')
    (path / "quarantine" / f"{name}.json").write_bytes(note)
    assert open_reader(path).incidents() == [Incident(name, 1, 7, "x")]
