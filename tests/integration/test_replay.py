"""``rynxs replay``, ``rynxs log why`` and ``rynxs log snapshot`` from the command line."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rynxs.config import Config
from rynxs.documents import parse_documents
from rynxs.embedded.replay import LogReplay
from rynxs.embedded.succession import entry_of
from rynxs.eventlog import canonical
from rynxs.eventlog.log import Log
from rynxs.eventlog.record import Record
from rynxs.plugins import PluginManager
from rynxs.settings import RawConfig
from rynxs.sources import fixed_sources
from rynxs.testing import MemorySink
from rynxs_reducer_agent.reducer import AgentReducer
from rynxs_renderer_workload.renderer import WorkloadRenderer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from rynxs.engine.contracts import View
    from rynxs.engine.event import Event
    from tests.conftest import Cli

LOG = ("--log", "file:log")
WORKER = "universe.ai/Agent/default/worker"
OTHER = "universe.ai/Agent/default/other"
DEPLOYMENT = "apps/v1/Deployment/default/agent-worker"
IMAGE = "spec.template.spec.containers[0].image"
MONTHS = [f"2026-0{month}-01T00:00:00Z" for month in range(1, 5)]


def tagged(tag: str) -> dict[str, Any]:
    return {"image": {"repository": "example.org/agent", "tag": tag}}


@pytest.fixture
def logged(
    cli: Cli, write: Callable[..., Path], agent: Callable[..., dict[str, Any]], tmp_path: Path
) -> Path:
    """Epoch 0, worker 1 and 2; epoch 3, worker 4 and 5, tag v2; epoch 6, other 7 and 8."""
    cli("keys", "generate", "key")
    manifests = (agent(), agent(**tagged("v2")), agent("other"))
    for month, manifest in zip(MONTHS, manifests, strict=False):
        clock = ("--clock", f"fixed:{month}")
        file = write("a.yaml", manifest)
        assert cli("run", file, *LOG, *clock, "--signer", "ed25519:key").status == 0
    return tmp_path / "log"


def image(cli: Cli, *at: object) -> str:
    done = cli("replay", *LOG, "-o", "yaml", "--subject", WORKER, *at)
    (found,) = (
        document.value["spec"]["template"]["spec"]["containers"][0]["image"]
        for document in parse_documents(done.out.encode(), "-")
        if document.value["kind"] == "Deployment"
    )
    return str(found)


def test_a_moment_is_named_by_seq_by_time_and_by_checkpoint(cli: Cli, logged: Path) -> None:
    first = cli("replay", *LOG, "--at", 2, "--json").json()
    checkpoint = logged / "objects/checkpoints/00000000000000000003"
    for at in ("2026-01-01T00:00:00Z", "2026-01-31T23:59:59+00:00", checkpoint):
        assert cli("replay", *LOG, "--at", at, "--json").json() == first
    assert first["size"] == 3
    assert first["subjects"][0]["slice"]["spec"]["image"]["tag"] == "v1"
    assert image(cli, "--at", 2) == image(cli, "--at", checkpoint) == "example.org/agent:v1"
    assert image(cli) == "example.org/agent:v2"


@pytest.mark.parametrize(
    ("at", "status", "told"),
    [
        ("9", 2, "--at 9: the log holds 9 records"),
        ("2025-12-31T00:00:00Z", 2, "the first record is later"),
        ("2026-13-31T00:00:00Z", 2, "not RFC 3339"),
        ("nothing", 2, "expected is a seq, an RFC 3339 time"),
        ("a.yaml", 1, "--at a.yaml"),
    ],
)
def test_what_names_no_moment_is_refused(
    cli: Cli, logged: Path, at: str, status: int, told: str
) -> None:
    done = cli("replay", *LOG, "--at", at)
    assert done.status == status
    assert told in done.err


def test_a_checkpoint_with_another_root_is_refused(cli: Cli, logged: Path, tmp_path: Path) -> None:
    lines = (logged / "objects/checkpoint").read_text().splitlines(keepends=True)
    small = (logged / "objects/checkpoints/00000000000000000003").read_text().splitlines(True)
    for place, line, told in ((2, small[2], "root"), (1, "99\n", "records are missing")):
        forged = tmp_path / "forged"
        forged.write_text("".join([*lines[:place], line, *lines[place + 1 :]]))
        done = cli("replay", *LOG, "--at", forged)
        assert done.status == 1
        assert told in done.err


def test_a_difference_names_each_field_and_who_caused_it(cli: Cli, logged: Path) -> None:
    found = cli("replay", *LOG, "--diff", 2, 8, "--json").json()
    other, worker = found["subjects"]
    assert other["subject"] == OTHER
    assert [change["path"] for change in other["slice"]] == ["slice"]
    assert worker["slice"] == [{"path": "slice.spec.image.tag", "before": "v1", "after": "v2"}]
    (deployment,) = (each for each in worker["manifests"] if each["id"] == DEPLOYMENT)
    change = {"path": IMAGE, "before": "example.org/agent:v1", "after": "example.org/agent:v2"}
    assert change in deployment["changes"]
    events = [(each["seq"], each["kind"], each["actor"]) for each in worker["events"]]
    assert events == [(4, "AgentObserved", "fixed (unverified)"), (5, "Planned", None)]
    assert (
        cli("replay", *LOG, "--diff", 5, 8, "--subject", WORKER, "--json").json()["subjects"] == []
    )
    shown = cli("replay", *LOG, "--diff", MONTHS[0], MONTHS[1]).out
    assert "slice.spec.image.tag: 'v1' -> 'v2'" in shown
    assert "record 5" in shown
    assert "because of record 4" in shown


@pytest.mark.parametrize(
    "arguments",
    [
        ("--diff", "8", "2"),
        ("--diff", "1", "2", "--at", "1"),
        ("--diff", "1", "2", "--check"),
        ("--check", "--against-installed"),
        ("--json", "-o", "yaml"),
        ("--diff", "1", "99"),
        ("--subject", "universe.ai/Agent/default/workr"),
    ],
)
def test_contradictions_are_refused(cli: Cli, logged: Path, arguments: tuple[str, ...]) -> None:
    assert cli("replay", *LOG, *arguments).status == 2


def test_why_goes_back_to_the_observation_and_who_asked_for_it(cli: Cli, logged: Path) -> None:
    why = cli("log", "why", WORKER, f"Deployment.{IMAGE}", *LOG, "--json").json()
    assert why["field"] == f"{DEPLOYMENT}:{IMAGE}"
    assert why["value"] == "example.org/agent:v2"
    planned, observed = why["causes"]
    assert (planned["seq"], planned["kind"], planned["cause"]) == (5, "Planned", 4)
    assert (observed["seq"], observed["actor"]) == (4, "fixed (unverified)")
    assert observed["changes"] == [{"path": "spec.image.tag", "before": "v1", "after": "v2"}]
    before = cli("log", "why", WORKER, f"Deployment.{IMAGE}", *LOG, "--at", 3, "--json").json()
    assert (before["value"], before["seq"]) == ("example.org/agent:v1", 2)
    told = cli("log", "why", WORKER, "slice.spec.image.tag", *LOG).out
    assert 'slice.spec.image.tag = "v2"' in told
    assert "AgentObserved of universe.ai/Agent/default/worker by fixed" in told


def test_texts_of_a_log_make_no_line_of_their_own(cli: Cli, logged: Path) -> None:
    name = "m\nsince record 99: SOMETHING by alice\u202e"
    config = Config(RawConfig(), PluginManager(), "here")
    with closing(config.with_log("file:log").open_reader()) as sink:
        log = Log.load(sink)
        entries = [entry_of(*pair) for batch in log.history() for pair in batch]
    body = canonical.decode(entries[4].payload)
    body["actor"]["name"] = name
    entries[4] = entries[4]._replace(payload=canonical.encode(body))
    with closing(config.with_log("file:forged").open_writer(fixed_sources(0))) as sink:
        Log.open(sink).append(entries)
    forged = ("--log", "file:forged")
    for command in (
        ("log", "why", WORKER, "slice.spec.image.tag"),
        ("replay", "--diff", "3", "5"),
        ("log", "list"),
    ):
        done = cli(*command, *forged)
        assert done.status == 0, done.err
        assert not [line for line in done.out.splitlines() if line.startswith("since record 99")]
        assert "\u202e" not in done.out
    assert "m\\nsince record 99" in cli("log", "why", WORKER, "slice.spec.image.tag", *forged).out
    causes = cli("log", "why", WORKER, "slice.spec.image.tag", *forged, "--json").json()["causes"]
    assert causes[0]["actor"].startswith(name)


@pytest.mark.parametrize("text", ["x" * 2_000_000, "\n" * 2_000_000])
def test_a_large_file_is_no_checkpoint(cli: Cli, logged: Path, tmp_path: Path, text: str) -> None:
    (tmp_path / "large").write_text(text)
    done = cli("replay", "--at", "large", *LOG)
    assert done.status == 1
    assert "--at large: " in done.err


def test_why_goes_back_to_an_upgrade(cli: Cli, logged: Path, tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_text("settings: {renderers: {workload: {runAsUser: 4711}}}\n")
    clock = ("--clock", f"fixed:{MONTHS[3]}")
    assert cli("run", "a.yaml", *LOG, *clock, "--config", "c.yaml").status == 0
    field = "Deployment.spec.template.spec.securityContext.runAsUser"
    why = cli("log", "why", WORKER, field, *LOG, "--json").json()
    assert why["value"] == 4711
    _, epoch = why["causes"]
    assert (epoch["seq"], epoch["kind"], epoch["actor"]) == (9, "EpochStarted", "fixed")
    (change,) = epoch["changes"]
    assert change["path"] == "renderers.workload.settings.runAsUser"


@pytest.mark.parametrize(
    ("subject", "field", "told"),
    [
        ("universe.ai/Agent/default/workr", "slice.spec", "did you mean"),
        (WORKER, "slice.spec.image.tga", "slice.spec.image.tag"),
        (WORKER, f"Deployment.{IMAGE}s", IMAGE),
    ],
)
def test_why_of_what_is_not_there_names_what_is_near(
    cli: Cli, logged: Path, subject: str, field: str, told: str
) -> None:
    done = cli("log", "why", subject, field, *LOG)
    assert done.status == 2
    assert told in done.err


class OneLineChanged(AgentReducer):
    """The agent reducer with one line changed and its version forgotten."""

    def reduce(
        self, current: Mapping[str, Any] | None, event: Event, view: View
    ) -> Mapping[str, Any] | None:
        after = super().reduce(current, event, view)
        return after and {**after, "spec": {**after["spec"], "suspend": True}}


def change_reducer(monkeypatch: pytest.MonkeyPatch, version: str) -> None:
    monkeypatch.setattr(OneLineChanged, "version", version)
    monkeypatch.setattr("rynxs_reducer_agent.plugin.AgentReducer", OneLineChanged)


def test_check_catches_a_reducer_changed_by_a_line_and_names_event_and_field(
    cli: Cli, logged: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert cli("log", "snapshot", *LOG).status == 0
    change_reducer(monkeypatch, AgentReducer.version)
    done = cli("replay", *LOG, "--check")
    assert done.status == 1
    assert "record 2: the plan of universe.ai/Agent/default/worker recomputes to" in done.err
    assert f"{DEPLOYMENT}: spec.replicas: 1 -> 0" in done.err


def test_against_installed_gates_an_upgrade(
    cli: Cli, logged: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    same = cli("replay", *LOG, "--against-installed", "--json")
    assert same.status == 0
    assert same.json()["plansCompared"] == 3
    change_reducer(monkeypatch, "9.9.9")
    # Without it, what another version made is not compared.
    assert cli("replay", *LOG, "--check").status == 0
    done = cli("replay", *LOG, "--against-installed", "--json")
    assert done.status == 1
    found = done.json()
    assert [each["seq"] for each in found["differences"]] == [2, 5, 8]
    assert f"{DEPLOYMENT}: spec.replicas: 1 -> 0" in found["differences"][0]["fields"]
    shown = cli("replay", *LOG, "--against-installed", "--at", 3)
    assert shown.status == 1
    assert "agent==9.9.9" in shown.out
    assert "record 2" in shown.out
    assert "record 5" not in shown.out


def test_against_installed_ends_after_twenty_differences(
    cli: Cli,
    write: Callable[..., Path],
    agent: Callable[..., dict[str, Any]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    many = [agent(f"worker-{number:02d}") for number in range(25)]
    assert cli("run", write("a.yaml", *many), *LOG).status == 0
    monkeypatch.setattr(WorkloadRenderer, "render", lambda *_: [])
    found = cli("replay", *LOG, "--against-installed", "--json").json()
    assert len(found["differences"]) == 20
    assert found["endedEarly"]


def test_against_installed_tells_of_a_plan_that_was_never_made(
    cli: Cli,
    write: Callable[..., Path],
    agent: Callable[..., dict[str, Any]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    manifest = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x"}}
    asked: list[dict[str, Any]] = []
    monkeypatch.setattr(WorkloadRenderer, "render", lambda *_: asked)
    ran = cli("run", write("a.yaml", agent()), *LOG, "--json").json()
    assert (ran["appended"], ran["plans"]) == (2, [])
    assert cli("replay", *LOG, "--against-installed").status == 0
    asked.append(manifest)
    done = cli("replay", *LOG, "--against-installed", "--json")
    assert done.status == 1
    (difference,) = done.json()["differences"]
    assert (difference["seq"], difference["subject"]) == (1, WORKER)
    assert difference["fields"][0].startswith("v1/ConfigMap/x: recomputed only")


def test_a_snapshot_is_used_and_changes_no_answer(cli: Cli, logged: Path, tmp_path: Path) -> None:
    taken = cli("log", "snapshot", *LOG, "--clock", f"fixed:{MONTHS[3]}", "--json").json()
    assert (taken["name"], taken["size"]) == ("snapshots/00000000000000000010", 10)
    with_it = cli("replay", *LOG, "--json").json()
    assert cli("replay", *LOG, "--at", 8, "--json").json()["snapshot"] is None
    checkpoint = cli("replay", *LOG, "--check", "--json").json()
    (logged / "objects" / taken["name"]).unlink()
    without = cli("replay", *LOG, "--json").json()
    assert (with_it.pop("snapshot"), without.pop("snapshot")) == (10, None)
    assert with_it == without
    assert checkpoint["stateDigest"] == without["stateDigest"]
    assert checkpoint["snapshot"] is None
    assert cli("log", "verify", *LOG).status == 0


def test_run_takes_a_snapshot_when_so_many_records_have_come(
    cli: Cli,
    write: Callable[..., Path],
    agent: Callable[..., dict[str, Any]],
    tmp_path: Path,
) -> None:
    (tmp_path / "c.yaml").write_text("snapshots: {every: 5}\n")
    run = ("run", "a.yaml", *LOG, "--config", "c.yaml", "--json")
    appended = []
    for tag in ("v1", "v2", "v3", "v3"):
        write("a.yaml", agent(**tagged(tag)))
        appended.append(cli(*run).json()["appended"])
    assert appended == [3, 4, 3, 0]  # the second has one more: SnapshotTaken
    kept = sorted(path.name for path in (tmp_path / "log/objects/snapshots").iterdir())
    assert kept == ["00000000000000000006"]
    (tmp_path / "d.yaml").write_text("snapshots: {every: -1}\n")
    refused = cli("run", "a.yaml", *LOG, "--config", "d.yaml")
    assert refused.status == 2
    assert "snapshots.every" in refused.err


def test_an_erased_payload_without_its_redaction_fails_at_every_moment_it_is_in(
    cli: Cli, logged: Path
) -> None:
    config = Config(RawConfig(), PluginManager(), "here").with_log("file:log")
    sink = MemorySink()
    sink.records = list(config.open_reader().read())
    sink.records[1] = Record(sink.records[1].header, b"", None)
    for stop in (None, 2):
        with pytest.raises(Exception, match="record 1: payload is missing"):
            list(LogReplay(sink, config, stop).fold())
    assert list(LogReplay(sink, config, 1).fold())


def test_replay_and_run_go_on_after_a_redaction(
    cli: Cli, logged: Path, write: Callable[..., Path], agent: Callable[..., dict[str, Any]]
) -> None:
    assert cli("log", "snapshot", *LOG).status == 0
    done = cli("log", "redact", 1, "--reason", "a name", *LOG)
    assert done.status == 0, done.err
    checked = cli("replay", *LOG, "--check", "--json").json()
    assert checked["erased"] == [1, 2]
    assert checked["redacted"] == [2]
    assert checked["plansCompared"] == 2
    assert checked["unknown"] == []
    then = cli("replay", *LOG, "--at", 2, "--json").json()
    assert then["unknown"] == [WORKER]
    assert then["subjects"] == [
        {"conditions": None, "manifests": [], "slice": None, "subject": WORKER, "unknown": True}
    ]
    assert f"{WORKER} (unknown)" in cli("replay", *LOG, "--at", 2).out
    changes = cli("replay", *LOG, "--diff", 2, 8, "--subject", WORKER, "--json").json()
    assert changes["subjects"][0]["slice"][0]["before"] == "(unknown)"
    assert image(cli) == "example.org/agent:v2"
    assert cli("run", write("a.yaml", agent(**tagged("v3"))), *LOG).status == 0
    assert image(cli) == "example.org/agent:v3"
    why = cli("log", "why", WORKER, f"Deployment.{IMAGE}", *LOG, "--json").json()
    assert why["value"] == "example.org/agent:v3"


@given(st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from(["v1", "v2"])), max_size=6))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=10)
def test_steps_come_to_the_state_that_folding_comes_to(
    agent: Callable[..., dict[str, Any]], steps: list[tuple[str, str]]
) -> None:
    from rynxs.engine.observation import Actor
    from rynxs.engine.pipeline import Pipeline
    from rynxs.eventlog.log import Log
    from rynxs.sources import fixed_sources
    from rynxs_reducer_agent.reducer import AGENT

    config = Config(RawConfig(), PluginManager(), "here")
    sink = MemorySink()
    pipeline = Pipeline(config.composition(), fixed_sources(0), config.origin)
    for name, tag in steps:
        pipeline.observe(AGENT, agent(name, **tagged(tag)), Actor("somebody"))
    Log.open(sink).append(pipeline.take_entries())
    folding, stepping = (LogReplay(sink, config, None) for _ in range(2))
    assert sum(map(len, folding.fold())) == len(sink.records)
    seqs = [(event.seq, state.size - 1) for event, state in stepping.steps()]
    assert seqs == [(seq, seq) for seq in range(len(sink.records))]
    assert folding.replay.state.digest() == stepping.replay.state.digest()
