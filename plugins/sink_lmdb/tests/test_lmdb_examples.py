"""The command line with a log in LMDB: the records are those of the default sink, byte for byte."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from rynxs.cli.main import invoke
from rynxs_sink_file import plugin as file_plugin
from rynxs_sink_lmdb import plugin as lmdb_plugin

if TYPE_CHECKING:
    from collections.abc import Callable

    from rynxs.api import Record, SinkPlugin

EXAMPLES = Path(__file__).parents[3] / "examples"
FIXED = ("--clock", "fixed:2026-01-01T00:00:00Z")


@pytest.fixture
def cli(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> Callable[..., str]:
    """Run a command in this process, in a directory of its own, and return what it printed."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("RYNXS_CONFIG", raising=False)

    def run(*arguments: object) -> str:
        monkeypatch.setattr(sys, "argv", ["rynxs", *map(str, arguments)])
        status = invoke()
        out, err = capsys.readouterr()
        assert status == 0, err
        return str(out)

    return run


def _records(plugin: SinkPlugin, url: str) -> list[Record]:
    sink = plugin.open_reader(plugin.settings.model_validate(plugin.parse_url(url)))
    records = list(sink.read())
    sink.close()
    return records


def test_a_run_of_the_examples_gives_the_records_of_the_file_sink(cli: Callable[..., str]) -> None:
    printed = [cli("run", EXAMPLES, "--log", url, *FIXED) for url in ("lmdb:./a", "file:./b")]
    assert printed[0] == printed[1]
    records = _records(lmdb_plugin.rynxs_sink(), "./a")
    assert records == _records(file_plugin.rynxs_sink(), "./b")
    assert len(records) > 3
    for seq in range(len(records)):
        one, other = (cli("log", "show", seq, "--log", url) for url in ("lmdb:./a", "file:./b"))
        assert one == other


def test_a_log_is_extended_verified_and_replayed(cli: Callable[..., str]) -> None:
    cli("run", EXAMPLES / "agent-basic.yaml", "--log", "lmdb:./log.mdb", *FIXED)
    first = _records(lmdb_plugin.rynxs_sink(), "./log.mdb")
    cli("run", EXAMPLES, "--log", "lmdb:./log.mdb?mapBytesMax=1048576", *FIXED)
    second = _records(lmdb_plugin.rynxs_sink(), "./log.mdb")
    assert second[: len(first)] == first
    assert len(second) > len(first)
    told: dict[str, Any] = json.loads(cli("log", "verify", "--log", "lmdb:./log.mdb", "--json"))
    assert told["size"] == len(second)
    cli("replay", "--check", "--log", "lmdb:./log.mdb")
