"""Copies of a log by the command line: backup, restore, and what becomes of a copy cut off."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from rynxs.config import Config
from rynxs.plugins import PluginManager
from rynxs.settings import RawConfig
from rynxs.sources import system_sources

if TYPE_CHECKING:
    from collections.abc import Callable

    from rynxs.eventlog.sink import Sink
    from tests.conftest import Cli

AGENTS = 30
RECORDS = 2 + 2 * AGENTS  # two runs
SCRIPT = Path(sys.executable).with_name("rynxs")

# Copies ten records a batch; writes only half of the third batch and waits there to be killed.
HALF_A_COPY = """
import sys
from rynxs.api import Grouping
from rynxs.cli.main import main
from rynxs_sink_file import open_segment, writer

write_all, batches = open_segment.write_all, []

def write_half(descriptor, data, offset):
    batches.append(data)
    if len(batches) == 3:
        write_all(descriptor, data[: len(data) // 2], offset)
        print("half", flush=True)
        sys.stdin.read()
    write_all(descriptor, data, offset)

writer.FileWriter.grouping = Grouping(records=10, size=10**6, linger_s=0)
open_segment.write_all = write_half
sys.argv = ["rynxs", "log", "copy", "file:log", "file:copy"]
main()
"""


@pytest.fixture
def logged(cli: Cli, write: Callable[..., Path], agent: Callable[..., Any], tmp_path: Path) -> Path:
    """The directory of a log with two signed checkpoints."""
    cli("keys", "generate", "key")
    run = ("--log", "file:log", "--signer", "ed25519:key")
    agents = [agent(f"worker-{number:02}") for number in range(AGENTS)]
    for part in (agents[:5], agents):
        assert cli("run", write("agents.yaml", *part), *run).status == 0
    return tmp_path / "log"


@pytest.fixture
def records(cli: Cli) -> Callable[[str], list[Any]]:
    def read(log: str) -> list[Any]:
        done = cli("log", "list", "--log", log, "--json")
        assert done.status == 0
        found: list[Any] = done.json()["records"]
        return found

    return read


def files(directory: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(directory)): path.read_bytes()
        for path in directory.rglob("*")
        if path.is_file()
    }


def open_writer(log: str) -> Sink:
    config = Config(RawConfig(), PluginManager(), "here").with_log(log)
    return config.open_writer(system_sources())


def flip(file: Path, place: int) -> None:
    data = bytearray(file.read_bytes())
    data[place] ^= 0x01
    file.write_bytes(bytes(data))


def segment(directory: Path) -> Path:
    (path,) = (directory / "segments").glob("*.seg")
    return path


def test_a_copy_has_the_same_records_and_verifies_with_the_same_key(
    cli: Cli, logged: Path, records: Callable[[str], list[Any]], tmp_path: Path
) -> None:
    done = cli("log", "copy", "file:log", "file:copy", "--key", "key.pub")
    assert done.status == 0
    assert f"log: {RECORDS} records copied, 0 were there, {RECORDS} verified" in done.out
    assert "checkpoints: 2 copied, signatures checked" in done.out
    assert not done.err
    assert records("file:copy") == records("file:log")
    verified = [
        cli("log", "verify", "--log", log, "--key", "key.pub", "--json")
        for log in ("file:log", "file:copy")
    ]
    assert verified[0] == verified[1]
    assert [len(found.json()["checkpoints"]) for found in verified] == [3, 3]
    assert files(tmp_path / "copy/objects") == files(logged / "objects")
    assert cli("replay", "--check", "--log", "file:copy").status == 0


def test_a_copy_is_a_log_to_go_on_with(
    cli: Cli, logged: Path, write: Callable[..., Path], agent: Callable[..., Any]
) -> None:
    assert cli("log", "copy", "file:log", "file:copy").status == 0
    more = write("more.yaml", agent("newcomer"))
    run = cli("run", more, "--log", "file:copy", "--signer", "ed25519:key", "--json")
    assert run.json()["appended"] == 3
    assert cli("log", "verify", "--log", "file:copy", "--key", "key.pub").status == 0
    back = cli("log", "copy", "file:copy", "file:log", "--json").json()
    assert (back["recordsFound"], back["recordsCopied"]) == (RECORDS, 3)


def test_the_document_says_what_was_copied_and_what_was_there(cli: Cli, logged: Path) -> None:
    verified = cli("log", "verify", "--log", "file:log", "--json").json()
    tiles = [path for path in (logged / "objects/tile").rglob("*") if path.is_file()]
    expected = {
        "checkpointsCopied": 2,
        "head": verified["head"],
        "objectsCopied": 1 + len(tiles),
        "payloadsErased": 0,
        "recordsCopied": RECORDS,
        "recordsFound": 0,
        "root": verified["root"],
        "size": RECORDS,
        "verified": True,
    }
    assert cli("log", "copy", "file:log", "file:copy", "--json").json() == expected
    nothing = {"checkpointsCopied": 0, "objectsCopied": 0, "recordsCopied": 0}
    again = cli("log", "copy", "file:log", "file:copy", "--json")
    assert again.json() == expected | nothing | {"recordsFound": RECORDS}


def test_a_copy_killed_in_the_middle_of_a_batch_is_finished_by_the_same_command(
    cli: Cli, logged: Path, records: Callable[[str], list[Any]], tmp_path: Path
) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HALF_A_COPY],
        cwd=tmp_path,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as copying:
        assert copying.stdout is not None
        assert copying.stdout.readline() == "half\n"
        copying.kill()
    done = cli("log", "copy", "file:log", "file:copy", "--key", "key.pub", "--json")
    assert done.status == 0
    assert (done.json()["recordsFound"], done.json()["recordsCopied"]) == (20, RECORDS - 20)
    (warning,) = map(json.loads, done.err.splitlines())
    assert (warning["level"], warning["seq"]) == ("warning", 20)
    assert "set aside" in warning["event"]
    assert records("file:copy") == records("file:log")
    assert cli("log", "verify", "--log", "file:copy", "--key", "key.pub").status == 0
    assert not cli("log", "copy", "file:log", "file:copy").err


def test_a_destination_of_another_log_is_refused_and_not_touched(
    cli: Cli, logged: Path, write: Callable[..., Path], agent: Callable[..., Any], tmp_path: Path
) -> None:
    assert cli("run", write("a.yaml", agent("other")), "--log", "file:other").status == 0
    before = files(tmp_path / "other"), files(logged)
    done = cli("log", "copy", "file:log", "file:other", "--json")
    assert done.status == 1
    assert done.json()["error"]["exitCode"] == 1
    assert "record 0: " in done.json()["error"]["message"]
    assert "nothing was copied" in done.err
    assert (files(tmp_path / "other"), files(logged)) == before


def test_a_destination_that_went_its_own_way_is_refused_and_not_touched(
    cli: Cli, logged: Path, write: Callable[..., Path], agent: Callable[..., Any], tmp_path: Path
) -> None:
    assert cli("log", "copy", "file:log", "file:copy").status == 0
    assert cli("run", write("a.yaml", agent("here")), "--log", "file:copy").status == 0
    before = files(tmp_path / "copy")
    ahead = cli("log", "copy", "file:log", "file:copy")
    assert ahead.status == 1
    assert f"record {RECORDS}: the source ends here" in ahead.err
    assert cli("run", write("b.yaml", agent("there")), "--log", "file:log").status == 0
    differs = cli("log", "copy", "file:log", "file:copy")
    assert differs.status == 1
    assert f"record {RECORDS}: in the destination another one" in differs.err
    assert files(tmp_path / "copy") == before


def test_a_damaged_source_exits_with_1_names_the_record_and_copies_no_checkpoint(
    cli: Cli, logged: Path, tmp_path: Path
) -> None:
    good = segment(logged).read_bytes()
    for place in range(0, len(good), len(good) // 12):
        flip(segment(logged), place)
        done = cli("log", "copy", "file:log", f"file:copy-{place}")
        assert done.status == 1, place
        assert "source: record " in done.err
        segment(logged).write_bytes(good)
        kept = cli("log", "verify", "--log", f"file:copy-{place}", "--json").json()
        assert kept["size"] < RECORDS
        assert kept["checkpoints"] == []
    assert cli("log", "copy", "file:log", "file:copy-0").status == 0


def test_a_damaged_destination_is_blamed_and_left_as_it_is(
    cli: Cli, logged: Path, tmp_path: Path
) -> None:
    copy = ("log", "copy", "file:log", "file:copy")
    assert cli(*copy).status == 0
    good = segment(tmp_path / "copy").read_bytes()
    for place in range(5, len(good), len(good) // 6):
        flip(segment(tmp_path / "copy"), place)
        before = files(tmp_path / "copy")
        done = cli(*copy)
        assert done.status == 1, place
        assert "destination: record " in done.err
        assert files(tmp_path / "copy") == before
        segment(tmp_path / "copy").write_bytes(good)


def test_an_unsigned_or_strangely_signed_source_is_refused_with_a_key(
    cli: Cli, logged: Path, write: Callable[..., Path], agent: Callable[..., Any]
) -> None:
    cli("keys", "generate", "stranger")
    done = cli("log", "copy", "file:log", "file:copy", "--key", "stranger.pub")
    assert done.status == 1
    assert "none of the known keys" in done.err
    assert cli("run", write("a.yaml", agent()), "--log", "file:unsigned").status == 0
    done = cli("log", "copy", "file:unsigned", "file:copy", "--key", "key.pub")
    assert done.status == 1
    assert "nothing in this log is signed" in done.err
    assert cli("log", "copy", "file:unsigned", "file:copy").status == 0


def test_a_source_that_is_not_there_exits_with_3_and_makes_no_destination(
    cli: Cli, tmp_path: Path
) -> None:
    done = cli("log", "copy", "file:none", "file:copy")
    assert done.status == 3
    assert "source: none: no log is here" in done.err
    assert not (tmp_path / "copy").exists()


def test_a_destination_that_another_writer_has_open_exits_with_3(cli: Cli, logged: Path) -> None:
    holder = open_writer("file:copy")
    done = cli("log", "copy", "file:log", "file:copy")
    holder.close()
    assert done.status == 3
    assert "destination: copy: another writer has this log open" in done.err
    assert cli("log", "copy", "file:log", "file:copy").status == 0


def test_a_writer_of_the_source_is_not_disturbed(cli: Cli, logged: Path) -> None:
    writer = open_writer("file:log")
    done = cli("log", "copy", "file:log", "file:copy", "--json")
    writer.close()
    assert done.json()["size"] == RECORDS


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["file:log"], "DST"),
        ([], "SRC"),
        (["file:log", "file:log"], "is source and destination"),
        (["log", "file:copy"], "'log' does not name a log"),
        (["file:log", "copy"], "'copy' does not name a log"),
        (["file:log", "nosuch:copy"], "nosuch"),
        (["file:log", "file:copy?segmentBytes=1"], "segmentBytes"),
        (["file:log", "file:copy", "--key", "missing.pub"], "missing.pub"),
        (["file:log", "file:copy", "--config", "missing.yaml"], "missing.yaml"),
    ],
)
def test_what_was_asked_for_wrongly_exits_with_2_and_copies_nothing(
    cli: Cli, logged: Path, tmp_path: Path, arguments: list[str], text: str
) -> None:
    before = files(logged)
    done = cli("log", "copy", *arguments, "--json")
    assert done.status == 2
    assert text in done.json()["error"]["message"]
    assert not (tmp_path / "copy").exists()
    assert files(logged) == before


def test_one_place_by_two_names_is_found_copied_already(cli: Cli, logged: Path) -> None:
    before = files(logged)
    done = cli("log", "copy", "file:log", "file:./log", "--json")
    assert (done.json()["recordsCopied"], done.json()["recordsFound"]) == (0, RECORDS)
    assert files(logged) == before


def test_the_destination_takes_no_setting_from_the_sources_url(
    cli: Cli, logged: Path, tmp_path: Path
) -> None:
    assert cli("log", "copy", "file:log?segmentBytes=4096", "file:copy").status == 0
    assert len(list((tmp_path / "copy/segments").glob("*.seg"))) == 1
    (tmp_path / "c.yaml").write_text("settings: {sink: {segmentBytes: 4096}}\n")
    parts = ("file:parts", "--config", "c.yaml")
    assert cli("log", "copy", "file:log", *parts).status == 0
    assert cli("log", "copy", "file:parts", "file:whole").status == 0
    assert segment(tmp_path / "whole").read_bytes() == segment(tmp_path / "copy").read_bytes()
