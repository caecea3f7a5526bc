from __future__ import annotations

import base64

import pytest

from rynxs.errors import CheckpointRefused
from rynxs.eventlog import checkpoint as cp
from rynxs.eventlog.checkpoint import Checkpoint
from rynxs.testing import MemorySink

ROOT = bytes(range(32))
ROOT64 = base64.b64encode(ROOT).decode()
SIGNATURE = "\n— key AQIDBHg=\n"


def signed(checkpoint: Checkpoint) -> bytes:
    return (checkpoint.text() + SIGNATURE).encode()


def test_the_text_is_origin_size_and_root_a_line_each() -> None:
    assert Checkpoint("log.example", 17, ROOT).text() == f"log.example\n17\n{ROOT64}\n"


@pytest.mark.parametrize("extensions", [(), ("first", "second line")])
def test_a_checkpoint_survives_its_text(extensions: tuple[str, ...]) -> None:
    checkpoint = Checkpoint("log.example", 17, ROOT, extensions)
    assert cp.parse_text(checkpoint.text()) == checkpoint
    assert cp.parse(signed(checkpoint))[0] == checkpoint


@pytest.mark.parametrize(
    "text",
    [
        f"log\n017\n{ROOT64}\n",
        f"log\n-1\n{ROOT64}\n",
        f"log\n1.0\n{ROOT64}\n",
        f"log\n\u0661\n{ROOT64}\n",
        f"log\n99999999999999999999\n{ROOT64}\n",
        f"\n1\n{ROOT64}\n",
        "log\n1\n",
        "log\n1\nAAAA\n",
        f"log\n1\n{ROOT64[:-2]}9=\n",
        f"log\n1\n{ROOT64}\n\nextension\n",
        "log\n1\n!!!\n",
    ],
)
def test_what_is_not_a_checkpoint_in_its_one_form_is_refused(text: str) -> None:
    with pytest.raises(CheckpointRefused):
        cp.parse_text(text)


def test_the_latest_checkpoint_only_grows() -> None:
    sink = MemorySink()
    for size in (1, 5):
        checkpoint = Checkpoint("log", size, ROOT)
        cp.store(sink, checkpoint, signed(checkpoint))
    with pytest.raises(CheckpointRefused, match="larger than 3"):
        cp.store(sink, Checkpoint("log", 3, ROOT), signed(Checkpoint("log", 3, ROOT)))
    latest = cp.latest(sink)
    assert latest is not None
    assert latest[0].size == 5


def test_a_numbered_checkpoint_is_made_once() -> None:
    sink = MemorySink()
    first = Checkpoint("log", 1, ROOT)
    cp.store(sink, first, signed(first))
    cp.store(sink, first, signed(first))
    with pytest.raises(CheckpointRefused, match="another checkpoint of size 1"):
        cp.store(sink, Checkpoint("log", 1, bytes(32)), signed(Checkpoint("log", 1, bytes(32))))
    assert sink.list(cp.NUMBERED) == ["checkpoints/00000000000000000001"]


def test_a_log_without_checkpoints_has_no_latest() -> None:
    assert cp.latest(MemorySink()) is None
