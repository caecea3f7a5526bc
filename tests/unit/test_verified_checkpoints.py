"""What ``rynxs log verify`` tells of checkpoints: how many and by whom, each of them as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.conftest import Cli

LOG = ("--log", "file:log")
ALICE, BOB = ("--signer", "ed25519:alice"), ("--signer", "ed25519:bob")


@pytest.fixture
def checkpointed(
    cli: Cli, write: Callable[..., Path], agent: Callable[..., dict[str, Any]]
) -> dict[str, str]:
    """Make a log with checkpoints of 3, 6 and 9 records; the last one is Bob's. Return the keys."""
    keys = {
        name: cli("keys", "generate", name, "--name", f"{name}.example").out.strip()
        for name in ("alice", "bob")
    }
    for tag, signer in ("v1", ALICE), ("v2", ALICE), ("v3", BOB):
        image = {"repository": "example.org/agent", "tag": tag}
        manifest = write("m.yaml", agent(image=image))
        assert cli("run", manifest, *LOG, *signer).status == 0
    return keys


def told(cli: Cli, *options: str) -> list[str]:
    done = cli("log", "verify", *LOG, *options)
    assert done.status == 0
    return [line for line in done.out.splitlines() if "checkpoint" in line]


def test_there_is_one_line_however_many_there_are(cli: Cli, checkpointed: dict[str, str]) -> None:
    (line,) = told(cli)
    assert line.startswith("checkpoints: 3 match the log, the newest of 9 records; signatures not ")
    both = ("--key", checkpointed["alice"], "--key", checkpointed["bob"])
    (line,) = told(cli, *both)
    assert line.endswith("of 9 records; signed by alice.example (2), bob.example (1)")
    found = cli("log", "verify", *LOG, *both, "--json").json()["checkpoints"]
    assert sorted({(each["size"], *each["signedBy"]) for each in found}) == [
        (3, "alice.example"),
        (6, "alice.example"),
        (9, "bob.example"),
    ]


def test_who_has_signed_them_all_is_named_without_a_number(
    cli: Cli, write: Callable[..., Path], agent: Callable[..., dict[str, Any]]
) -> None:
    vkey = cli("keys", "generate", "alice", "--name", "alice.example").out.strip()
    assert cli("run", write("m.yaml", agent()), *LOG, *ALICE).status == 0
    assert told(cli, "--key", vkey) == [
        "checkpoints: 1 matches the log, the newest of 3 records; signed by alice.example"
    ]


def test_records_that_came_after_the_newest_are_counted(
    cli: Cli, write: Callable[..., Path], agent: Callable[..., dict[str, Any]]
) -> None:
    vkey = cli("keys", "generate", "alice", "--name", "alice.example").out.strip()
    assert cli("run", write("m.yaml", agent()), *LOG, *ALICE).status == 0
    assert cli("run", write("m.yaml", agent(team="other")), *LOG).status == 0
    (line,) = told(cli, "--key", vkey)
    assert line.endswith(
        "the newest of 3 records; signed by alice.example; 3 records since are in none"
    )


def test_one_that_fails_is_named(cli: Cli, checkpointed: dict[str, str]) -> None:
    done = cli("log", "verify", *LOG, "--key", checkpointed["bob"])
    assert done.status == 1
    assert f"checkpoints/{3:020}: " in done.err


def test_a_log_without_any_has_no_line_for_them(
    cli: Cli, write: Callable[..., Path], agent: Callable[..., dict[str, Any]]
) -> None:
    assert cli("run", write("m.yaml", agent()), *LOG).status == 0
    assert told(cli) == []
