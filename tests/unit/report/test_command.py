from __future__ import annotations

import json
import os
import shutil
import stat
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.conftest import Cli

LOG = ("--log", "file:log")
KEY = ("--key", "key.pub")


@pytest.fixture(scope="module")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("logged") / "made"


@pytest.fixture
def logged(
    cli: Cli,
    agent: Callable[..., dict[str, Any]],
    write: Callable[..., Path],
    tmp_path: Path,
    made_once: Path,
) -> Path:
    """A log of three runs, a checkpoint after each but the last."""
    if made_once.exists():
        shutil.copytree(made_once, tmp_path, dirs_exist_ok=True)
        return tmp_path
    cli("keys", "generate", "key")

    def run(day: int, *options: str, **spec: Any) -> None:
        manifests = [agent("worker", **spec), *([agent("lead")] if day == 1 else [])]
        clock = ("--clock", f"fixed:2026-02-0{day}T10:00:00Z")
        assert cli("run", write("m.yaml", *manifests), *LOG, *clock, *options).status == 0

    run(1, "--signer", "ed25519:key")
    run(2, "--signer", "ed25519:key", "--prune", suspend=True)
    run(3, tools={"allow": ["shell"]})
    shutil.copytree(tmp_path, made_once)
    return tmp_path


def report(cli: Cli, *options: str) -> dict[str, Any]:
    done = cli("report", *LOG, "--json", "-", *options)
    assert done.status == 0, done.err
    document: dict[str, Any] = done.json()
    return document


def status(document: dict[str, Any], what: str) -> str:
    (found,) = (
        each["status"] for each in document["verification"]["statements"] if what in each["what"]
    )
    return str(found)


def test_the_three_forms_are_written_and_are_the_same_each_time(cli: Cli, logged: Path) -> None:
    forms = ("--html", "a.html", "--json", "a.json", "--markdown", "a.md")
    assert cli("report", *LOG, *KEY, *forms).status == 0
    first = {name: (logged / name).read_bytes() for name in forms[1::2]}
    shutil.copytree(logged / "log", logged / "elsewhere")
    assert cli("report", "--log", "file:elsewhere", *KEY, *forms).status == 0
    assert first == {name: (logged / name).read_bytes() for name in forms[1::2]}
    assert all(first.values())


def test_the_document_says_what_log_verify_says(cli: Cli, logged: Path) -> None:
    document = report(cli, *KEY)
    verified = cli("log", "verify", *LOG, *KEY, "--json").json()
    assert document["log"]["origin"] == "rynxs.local/log"
    for name in ("size", "epoch", "head", "root"):
        assert document["log"][name] == verified[name], name
    assert [each["size"] for each in document["verification"]["checkpoints"]] == [5, 10]
    assert len(document["events"]) == verified["size"]
    assert [each["records"] for each in document["epochs"]] == [5, 5, 3]


def test_with_a_key_the_signatures_are_verified_and_the_rest_is_named(
    cli: Cli, logged: Path
) -> None:
    document = report(cli, *KEY)
    lines = [
        line for each in document["verification"]["checkpoints"] for line in each["signatures"]
    ]
    assert all(line["verified"] for line in lines)
    assert status(document, "Who signed") == "verified"
    assert status(document, "covered by a checkpoint") == "not verified"
    (key,) = document["verification"]["keys"]
    assert key["vkey"] == (logged / "key.pub").read_text().strip()
    assert key["vkey"] in document["verification"]["commands"][0]["command"]


def test_without_a_key_it_says_that_no_signature_was_checked(cli: Cli, logged: Path) -> None:
    document = report(cli)
    assert status(document, "Who signed") == "not verified"
    assert not any(
        line["verified"]
        for each in document["verification"]["checkpoints"]
        for line in each["signatures"]
    )
    done = cli("report", *LOG, "--html", "-")
    assert "This log verifies; no signature was checked." in done.out
    assert "Signature not checked" in done.out


def test_without_a_checkpoint_it_says_that_nothing_is_signed(cli: Cli, logged: Path) -> None:
    shutil.rmtree(logged / "log/objects")
    document = report(cli)
    assert status(document, "what its checkpoints say") == "not verified"
    assert "nothing in it is signed" in cli("report", *LOG, "--html", "-").out


def test_every_plan_is_recomputed(cli: Cli, logged: Path) -> None:
    plans = report(cli)["verification"]["plans"]
    assert plans["recorded"] == plans["recomputed"] == 5
    assert plans["incomparable"] == []


def test_the_states_are_those_that_replay_shows(cli: Cli, logged: Path) -> None:
    events = report(cli)["events"]
    states: dict[str, Any] = {}
    for entry in events:
        known = states.setdefault(entry["subject"], {"live": False, "manifests": {}})
        for change in entry.get("changes", ()):
            _apply(known, change)
        if entry["seq"] % 3 != 0:
            continue
        replayed = cli("replay", *LOG, "--at", str(entry["seq"]), "--json").json()
        live = {name: state for name, state in states.items() if state["live"]}
        assert {each["subject"]: each["slice"] for each in replayed["subjects"]} == {
            name: state.get("slice") for name, state in live.items()
        }
        assert {
            each["subject"]: {row["id"]: row["digest"] for row in each["manifests"]}
            for each in replayed["subjects"]
        } == {
            name: {key: row["digest"] for key, row in state["manifests"].items()}
            for name, state in live.items()
        }


def _apply(value: Any, change: dict[str, Any]) -> None:
    *parents, last = change["path"]
    for step in parents:
        value = value[step]
    if "after" not in change:
        del value[last]
    elif isinstance(value, list) and last == len(value):
        value.append(change["after"])
    else:
        value[last] = change["after"]


def test_of_a_log_that_does_not_verify_nothing_is_written(cli: Cli, logged: Path) -> None:
    (logged / "old.html").write_text("old")
    segment = next((logged / "log/segments").glob("*.seg"))
    data = bytearray(segment.read_bytes())
    data[1000] ^= 1
    segment.write_bytes(bytes(data))
    done = cli("report", *LOG, "--html", "old.html", "--markdown", "new.md")
    assert done.status == 1
    assert "record " in done.err
    assert (logged / "old.html").read_text() == "old"
    assert not (logged / "new.md").exists()


def test_a_log_that_a_given_key_has_not_signed_is_refused(cli: Cli, logged: Path) -> None:
    cli("keys", "generate", "other", "--name", "rynxs.local/other")
    done = cli("report", *LOG, "--key", "other.pub", "--html", "new.html")
    assert done.status == 1
    assert "none of the known keys" in done.err
    assert not (logged / "new.html").exists()


def test_the_time_is_stated_only_when_a_clock_is_given(cli: Cli, logged: Path) -> None:
    assert "madeAt" not in report(cli)
    stated = report(cli, "--clock", "fixed:2026-03-01T00:00:00Z")
    assert stated["madeAt"] == "2026-03-01T00:00:00.000000Z"


def test_a_place_is_needed_and_each_takes_one_form(cli: Cli, logged: Path) -> None:
    assert cli("report", *LOG).status == 2
    done = cli("report", *LOG, "--html", "same", "--markdown", "./same")
    assert done.status == 2
    assert "same place" in done.err
    assert cli("report", *LOG, "--html", "-", "--markdown", "-").status == 2


def test_a_file_is_replaced_whole_and_keeps_its_mode(cli: Cli, logged: Path) -> None:
    place = logged / "r.md"
    place.write_text("# Log report: rynxs" + "x" * 1_000_000)
    place.chmod(0o640)
    assert cli("report", *LOG, "--markdown", "r.md").status == 0
    assert place.read_text().startswith("# Log report: rynxs")
    assert stat.S_IMODE(place.stat().st_mode) == 0o640
    assert not [file for file in logged.iterdir() if file.name.endswith(".tmp")]


@pytest.mark.parametrize("form", ["html", "json", "markdown"])
def test_a_report_takes_the_place_of_nothing_but_a_report(
    cli: Cli, logged: Path, form: str
) -> None:
    segment = next((logged / "log/segments").glob("*.seg"))
    os.mkfifo(logged / "pipe")
    (logged / "notes.txt").write_text("mine")
    for place in (segment, logged / "notes.txt", logged / "pipe"):
        before = None if place.is_fifo() else place.read_bytes()
        done = cli("report", *LOG, f"--{form}", place)
        assert done.status == 74
        assert done.err.startswith(f"error: {place}: is no ")
        assert before is None or place.read_bytes() == before
    for _ in range(2):
        assert cli("report", *LOG, f"--{form}", "report").status == 0


def test_a_place_that_can_not_be_written_is_named(cli: Cli, logged: Path) -> None:
    done = cli("report", *LOG, "--html", "missing/r.html")
    assert done.status == 74
    assert done.err.startswith("error: missing/r.html: ")
    (logged / "folder").mkdir()
    done = cli("report", *LOG, "--html", "folder")
    assert done.status == 74
    assert not [file for file in logged.iterdir() if file.name.endswith(".tmp")]


def test_a_log_that_is_not_there_is_told(cli: Cli, tmp_path: Path) -> None:
    assert cli("report", "--log", "file:nowhere", "--html", "r.html").status == 3
    assert not (tmp_path / "r.html").exists()


def test_a_redaction_is_reported_and_what_it_erased_is_not_in_any_form(
    cli: Cli, logged: Path
) -> None:
    redact = ("log", "redact", "6", "--reason", "asked for", "--signer", "ed25519:key", *LOG)
    assert cli(*redact, "--clock", "fixed:2026-02-05T00:00:00Z").status == 0
    document = report(cli, *KEY)
    found = {group["name"]: group["seqs"] for group in document["findings"]}
    assert found["redactions"] == [document["log"]["size"] - 1]
    assert found["erasedPayloads"] == [6, 7]
    assert document["events"][6]["erased"] is True
    plans = document["verification"]["plans"]
    assert plans["redacted"] == 1
    assert plans["recorded"] == plans["recomputed"] + 1
    assert status(document, "Every plan") == "not verified"
    assert "asked for" in json.dumps(document)
    text = cli("report", *LOG, "--markdown", "-").out
    assert "sliceUnknown: \\(absent\\) \\-\\> true" in text
    assert "slice: " not in text[text.index("- **6**") : text.index("- **7**")]


def test_a_key_rotation_is_reported_and_either_key_verifies_every_signature(
    cli: Cli, logged: Path
) -> None:
    cli("keys", "generate", "new", "--name", "rynxs.local/new")
    rotate = ("keys", "rotate", "new", "--signer", "ed25519:key", *LOG)
    assert cli(*rotate, "--clock", "fixed:2026-02-06T00:00:00Z").status == 0
    for key in ("key.pub", "new.pub"):
        document = report(cli, "--key", key)
        found = {group["name"]: group["seqs"] for group in document["findings"]}
        assert found["keyRotations"] == [document["log"]["size"] - 1]
        checkpoints = document["verification"]["checkpoints"]
        assert all(line["verified"] for each in checkpoints for line in each["signatures"])
        assert len(checkpoints[-1]["signatures"]) == 2
