"""The command line on a log in a bucket: the same bytes as anywhere, and every command works."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from rynxs.config import load_config
from rynxs.eventlog.checkpoint import LATEST
from rynxs.plugins import PluginManager

if TYPE_CHECKING:
    from collections.abc import Callable

    from rynxs.api import Record
    from tests.conftest import S3Log

    Cli = Callable[..., Any]

EXAMPLES = Path(__file__).parents[3] / "examples"
FIXED = ("--clock", "fixed:2026-01-01T00:00:00Z")


def _records(url: str) -> list[Record]:
    with closing(load_config(None, PluginManager()).with_log(url).open_reader()) as reader:
        return list(reader.read())


def _checkpoint(url: str) -> bytes | None:
    with closing(load_config(None, PluginManager()).with_log(url).open_reader()) as reader:
        stored = reader.get(LATEST)
        return None if stored is None else stored.data


@pytest.fixture
def run_log(s3_log: S3Log, cli: Cli) -> S3Log:
    """A log of the examples with a signed checkpoint."""
    cli("keys", "generate", "key", *FIXED)
    signer = ("--signer", "ed25519:key")
    done = cli("run", EXAMPLES, "--log", s3_log.url(), *signer, *FIXED)
    assert done.status == 0, done.err
    return s3_log


def test_a_run_gives_the_records_and_the_checkpoint_that_the_file_sink_gives(
    run_log: S3Log, cli: Cli
) -> None:
    done = cli("run", EXAMPLES, "--log", "file:log", "--signer", "ed25519:key", *FIXED)
    assert done.status == 0, done.err
    records = _records("file:log")
    assert len(records) > 3
    assert _records(run_log.url()) == records
    assert _checkpoint(run_log.url()) == _checkpoint("file:log") is not None


def test_a_run_in_small_batches_gives_the_same_records(run_log: S3Log, cli: Cli) -> None:
    url = run_log.url(batchRecords=2).replace(run_log.prefix, f"{run_log.prefix}/small")
    assert cli("run", EXAMPLES, "--log", url, *FIXED).status == 0
    records = _records(url)
    assert records == _records(run_log.url())
    assert len(run_log.stored("small/log/")) == (len(records) + 1) // 2


def test_running_again_unchanged_appends_nothing(run_log: S3Log, cli: Cli) -> None:
    before = run_log.stored("log/")
    done = cli("run", EXAMPLES, "--log", run_log.url(), "--json")
    assert json.loads(done.out)["appended"] == 0
    assert run_log.stored("log/") == before


COMMANDS: dict[tuple[object, ...], str] = {
    ("log", "verify", "--key", "key.pub"): "records verified",
    ("log", "list"): "EpochStarted",
    ("log", "show", 0): "EpochStarted",
    ("log", "tail"): "Planned",
    ("replay", "--check"): "",
    ("replay", "--at", 2): "",
    ("checkpoint", "verify", "--key", "key.pub"): "",
    ("checkpoint", "show"): "rynxs.local/log",
    ("checkpoint", "create", "--signer", "ed25519:key"): "",
}


def test_each_command_works_and_says_what_it_says_of_the_file_sinks_log(
    run_log: S3Log, cli: Cli
) -> None:
    cli("run", EXAMPLES, "--log", "file:log", "--signer", "ed25519:key", *FIXED)
    for command, told in COMMANDS.items():
        done = cli(*command, "--log", run_log.url())
        assert done.status == 0, done.err
        assert told in done.out
        assert done.out == cli(*command, "--log", "file:log").out, command


def test_a_log_is_copied_into_a_bucket_and_back(run_log: S3Log, cli: Cli) -> None:
    assert cli("log", "copy", run_log.url(), "file:backup", "--key", "key.pub").status == 0
    restored = run_log.url().replace(run_log.prefix, f"{run_log.prefix}/restored")
    assert cli("log", "copy", "file:backup", restored, "--key", "key.pub").status == 0
    assert _records(restored) == _records("file:backup") == _records(run_log.url())
    assert cli("log", "verify", "--log", restored, "--key", "key.pub").status == 0


def test_a_configured_log_is_used_and_a_url_changes_what_it_says(
    run_log: S3Log, cli: Cli, tmp_path: Path
) -> None:
    sink = {"bucket": "logs", "prefix": "nowhere", "endpoint": run_log.settings["endpoint"]}
    config = {"plugins": {"sink": "s3"}, "settings": {"sink": sink}}
    (tmp_path / "rynxs.yaml").write_text(json.dumps(config))
    done = cli("log", "verify")
    assert (done.status, "no log is here" in done.err) == (3, True)
    assert cli("log", "verify", "--log", f"s3://logs/{run_log.prefix}").status == 0
    shown = cli("config", "show", "--json")
    assert json.loads(shown.out)["settings"]["sink"]["attempts"] == 6
    assert "objectLock" in cli("config", "schema").out
