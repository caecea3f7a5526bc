"""Closing a log and going on in another that carries its state."""

from __future__ import annotations

import json
import shutil
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from rynxs.config import Config
from rynxs.embedded import rotate
from rynxs.embedded.succession import entry_of
from rynxs.engine import carrying, observation, pipeline
from rynxs.engine.composition import Component, Composition
from rynxs.engine.contracts import Reducer
from rynxs.engine.event import Event
from rynxs.engine.history import event_at
from rynxs.engine.pipeline import Pipeline
from rynxs.engine.resource import Resource, SpecModel
from rynxs.engine.state import State
from rynxs.errors import LogCorrupt, SinkUnavailable
from rynxs.eventlog import canonical, publication
from rynxs.eventlog.checkpoint import Checkpoint
from rynxs.eventlog.log import Entry, Log
from rynxs.eventlog.publication import publish
from rynxs.plugins import PluginManager
from rynxs.settings import RawConfig
from rynxs.sources import fixed_sources

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from rynxs.engine.contracts import View
    from tests.conftest import Cli

    Manifests = Callable[..., dict[str, Any]]
    Write = Callable[..., Path]

OLD, NEW = ("--log", "file:old"), ("--log", "file:new")
KEY = ("--key", "key.pub")
SIGNER = ("--signer", "ed25519:key")
SUBJECT = "universe.ai/Agent/default/worker"


@pytest.fixture
def run(cli: Cli, agent: Manifests, write: Write) -> Callable[..., Any]:
    """Run one agent of a team in a log."""
    cli("keys", "generate", "key")

    def run_agent(log: tuple[str, str], team: str, *names: str) -> Any:
        found = [agent(name, team=team) for name in names or ("worker",)]
        return cli("run", write("agent.yaml", *found), *log, *SIGNER)

    return run_agent


def rotated(cli: Cli, *arguments: str) -> Any:
    return cli("log", "rotate", "file:new", *OLD, *SIGNER, *arguments)


def replayed(cli: Cli, log: tuple[str, str]) -> dict[str, Any]:
    done = cli("replay", "--check", *log, "--json")
    assert done.status == 0, done.err
    found: dict[str, Any] = done.json()
    return found


def test_the_successor_has_the_state_of_the_closed_log(cli: Cli, run: Callable[..., Any]) -> None:
    run(OLD, "research", "worker", "reader")
    run(OLD, "support")
    done = rotated(cli, "--json")
    assert done.status == 0, done.err
    assert done.json()["successor"] == "rynxs.local/log@2"
    before, after = replayed(cli, OLD), replayed(cli, NEW)
    assert before["stateDigest"] == after["stateDigest"]
    assert before["subjects"] == after["subjects"]
    assert after["epoch"] == before["epoch"] + 1
    for log in (OLD, NEW):
        assert cli("log", "verify", *log, *KEY).status == 0
    first = cli("log", "show", 0, *NEW, "--json").json()["payload"]["predecessor"]
    assert first["stateDigest"] == before["stateDigest"]
    assert first["checkpoint"] == cli("checkpoint", "show", *OLD).out
    assert first["size"] == before["size"]


def test_a_closed_log_takes_no_change_and_says_where_it_goes_on(
    cli: Cli, run: Callable[..., Any]
) -> None:
    run(OLD, "research")
    rotated(cli)
    refused = run(OLD, "support")
    assert refused.status == 2
    assert "this log is closed; rynxs.local/log@2 goes on from it" in refused.err
    assert run(OLD, "research").status == 0


def test_the_successor_goes_on_as_the_log_would_have(cli: Cli, run: Callable[..., Any]) -> None:
    run(OLD, "research")
    rotated(cli)
    size = replayed(cli, NEW)["size"]
    assert "nothing appended" in run(NEW, "research").out
    assert "3 records appended" in run(NEW, "support").out
    assert replayed(cli, NEW)["size"] == size + 3
    listed = cli("log", "show", size + 2, *NEW, "--json").json()["payload"]
    assert [each["kind"] for each in listed["changed"]] != []


def test_a_successor_is_rotated_again(cli: Cli, run: Callable[..., Any]) -> None:
    run(OLD, "research")
    rotated(cli)
    again = cli("log", "rotate", "file:third", *NEW, *SIGNER, "--json")
    assert again.status == 0, again.err
    assert again.json()["successor"] == "rynxs.local/log@3"
    third = replayed(cli, ("--log", "file:third"))
    assert third["stateDigest"] == replayed(cli, OLD)["stateDigest"]


@pytest.mark.parametrize("step", ["close", "note", "carry", "sign"])
def test_a_rotation_that_was_cut_off_is_finished_by_the_same_command(
    cli: Cli, run: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    run(OLD, "research", "worker", "reader")
    calls = iter(range(9))

    def fail(*_: object) -> None:
        raise SinkUnavailable("the plug was pulled")

    def fail_at_second(*arguments: Any) -> None:
        fail() if next(calls) else publish(*arguments)

    with monkeypatch.context() as patch:
        if step == "close":
            patch.setattr(rotate, "publish_signed", fail)
        elif step == "note":
            patch.setattr(publication, "publish", fail)
        elif step == "carry":
            patch.setattr(Pipeline, "resume", fail_in_successor(Pipeline.resume))
        else:
            patch.setattr(publication, "publish", fail_at_second)
        assert rotated(cli).status == 3
    assert rotated(cli).status == 0
    assert replayed(cli, OLD)["stateDigest"] == replayed(cli, NEW)["stateDigest"]
    for log in (OLD, NEW):
        assert cli("log", "verify", *log, *KEY).status == 0


def fail_in_successor(real: Callable[[Pipeline], None]) -> Callable[[Pipeline], None]:
    def resume(pipeline: Pipeline) -> None:
        if pipeline.state.predecessor:
            raise SinkUnavailable("the plug was pulled")
        real(pipeline)

    return resume


def test_nobody_else_writes_to_a_log_whose_rotation_was_cut_off(
    cli: Cli, run: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    run(OLD, "research", "worker", "reader")
    with monkeypatch.context() as patch:
        patch.setattr(Log, "append", append_two(Log.append))
        assert rotated(cli).status == 3
    refused = run(NEW, "research")
    assert refused.status == 2
    assert "run rynxs log rotate again" in refused.err
    assert rotated(cli).status == 0
    assert replayed(cli, OLD)["stateDigest"] == replayed(cli, NEW)["stateDigest"]


def append_two(real: Callable[..., None]) -> Callable[..., None]:
    def append(log: Log, entries: Sequence[Entry]) -> None:
        if log.size:
            real(log, entries)
        else:
            real(log, entries[:2])
            raise SinkUnavailable("the plug was pulled")

    return append


@pytest.mark.parametrize("forged", [None, "slice"])
def test_a_successor_that_somebody_else_began_is_not_signed(
    cli: Cli, run: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, forged: str | None
) -> None:
    run(OLD, "research", "worker", "reader")
    with monkeypatch.context() as patch:
        patch.setattr(Log, "append", append_two(Log.append))
        assert rotated(cli).status == 3
    if forged is None:  # all of it is well made, and goes on with what nobody asked for
        config = config_of("file:new")
        with closing(config.open_writer(fixed_sources(0))) as sink:
            log = Log.open(sink)
            old, epoch, time_us = log.size, log.tip.epoch, log.tip.time_us
            body = {"actor": {"authenticated": False, "name": "m"}, "reason": "r", "scope": SUBJECT}
            entry = Entry("HoldPlaced", SUBJECT, canonical.encode(body), epoch, time_us, None, b"")
            log.append([entry])
            assert log.size == old + 1
    else:
        forge_record(1)
    refused = rotated(cli)
    assert refused.status == 2
    assert "has a record" in refused.err
    assert "rotate into an empty log" in refused.err
    assert cli("checkpoint", "show", *NEW).status != 0
    assert cli("log", "rotate", "file:clean", *OLD, *SIGNER).status == 0


def config_of(log: str) -> Config:
    return Config(RawConfig(), PluginManager(), "here").with_log(log)


def forge_record(seq: int) -> None:
    """Write the beginning of the successor anew, with one payload changed."""
    config = config_of("file:new")
    with closing(config.open_reader()) as sink:
        log = Log.load(sink)
        entries = [entry_of(*pair) for batch in log.history() for pair in batch]
    shutil.rmtree("new")
    changed = entries[seq].payload.replace(b"research", b"dessert!")
    assert changed != entries[seq].payload
    entries[seq] = entries[seq]._replace(payload=changed)
    with closing(config.open_writer(fixed_sources(0))) as sink:
        Log.open(sink).append(entries)


def test_a_rotation_done_again_elsewhere_makes_the_same_records(
    cli: Cli, run: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipeline, "holds_personal", lambda *_: True)
    monkeypatch.setattr(observation, "holds_personal", lambda *_: True)
    run(OLD, "very-private-team", "worker", "reader")
    cli("log", "hold", SUBJECT, *OLD, "--reason", "a lawsuit")
    rotated(cli)
    assert cli("log", "rotate", "file:else", *OLD, *SIGNER).status == 0
    first = cli("checkpoint", "show", *NEW).out
    assert first == cli("checkpoint", "show", "--log", "file:else").out
    salts = [record.salt for record in config_of("file:new").open_reader().read(0) if record.salt]
    assert len(salts) == len(set(salts)) == 4
    old_salts = {record.salt for record in config_of("file:old").open_reader().read(0)}
    assert not old_salts.intersection(salts)


def test_a_first_record_must_name_its_predecessor_as_the_checkpoint_does(
    cli: Cli, run: Callable[..., Any]
) -> None:
    run(OLD, "research")
    rotated(cli)
    with closing(config_of("file:new").open_reader()) as sink:
        event = event_at(sink, 0)
    for name, value in (("size", 1), ("origin", "another"), ("checkpoint", "nothing")):
        body = dict(event.payload, predecessor=event.payload["predecessor"] | {name: value})
        encoded = canonical.encode(body)
        forged = Event(0, event.epoch, event.time_us, event.kind, event.subject, encoded)
        with pytest.raises(LogCorrupt, match=r"predecessor\.checkpoint"):
            State(Composition([], [])).fold(forged)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("file:other", *OLD, *SIGNER), "not empty"),
        (("file:old", *OLD, *SIGNER), "is the log itself"),
        (("file:new", *OLD), "no key to sign with"),
        (("file:new", *OLD, *SIGNER, "--origin", "a b"), "expected is a name"),
        (("file:new", *OLD, *SIGNER, "--origin", "rynxs.local/log"), "a name of its own"),
    ],
)
def test_what_can_not_be_rotated_stays_open(
    cli: Cli, run: Callable[..., Any], arguments: tuple[str, ...], told: str
) -> None:
    run(OLD, "research")
    run(("--log", "file:other"), "research")
    done = cli("log", "rotate", *arguments)
    assert done.status == 2
    assert told in done.err
    assert run(OLD, "support").status == 0


def test_a_log_is_rotated_once(cli: Cli, run: Callable[..., Any]) -> None:
    run(OLD, "research")
    rotated(cli)
    before = cli("checkpoint", "show", *NEW).out
    again = rotated(cli)
    assert again.status == 0
    assert "goes on already: rynxs.local/log@2" in again.out
    assert rotated(cli, "--json").json()["was_done"]
    assert cli("checkpoint", "show", *NEW).out == before
    elsewhere = cli("log", "rotate", "file:x", *OLD, *SIGNER, "--origin", "another")
    assert "rynxs.local/log@2 goes on from it, not another" in elsewhere.err


def test_legal_holds_go_along(cli: Cli, run: Callable[..., Any]) -> None:
    run(OLD, "research")
    cli("log", "hold", SUBJECT, *OLD, "--reason", "a lawsuit")
    rotated(cli)
    run(NEW, "support")
    refused = cli("log", "redact", 1, *NEW, "--reason", "asked for")
    assert refused.status == 2
    assert "legal hold" in refused.err


def test_what_was_carried_over_can_be_redacted_in_both_logs(
    cli: Cli, run: Callable[..., Any], tmp_path: Path
) -> None:
    run(OLD, "very-private-team")
    rotated(cli)
    refused = cli("log", "redact", 1, *NEW, "--reason", "asked for")
    assert "newest observation" in refused.err
    run(NEW, "public-team")
    assert cli("log", "redact", 1, *NEW, "--reason", "asked for").status == 0
    assert cli("log", "redact", 1, *OLD, "--reason", "asked for").status == 0
    for log in (OLD, NEW):
        assert cli("log", "verify", *log).status == 0
        assert cli("replay", "--check", *log).status == 0
    logs = [path for name in ("old", "new") for path in (tmp_path / name).rglob("*")]
    assert all(b"very-private" not in path.read_bytes() for path in logs if path.is_file())


class ThingSpec(SpecModel):
    size: int


class Counting(Reducer):
    """Counts observations, so that the newest one alone does not make its slice."""

    name = "counting"
    version = "1"

    @property
    def resources(self) -> Sequence[Resource]:
        return (Resource("x.io", "Thing", "things", "Namespaced", ("v1",), ThingSpec),)

    def reduce(
        self, current: Mapping[str, Any] | None, event: Event, view: View
    ) -> Mapping[str, Any] | None:
        return {"count": (current or {"count": 0})["count"] + 1}


class CountingFromTen(Counting):
    version = "2"

    def reduce(
        self, current: Mapping[str, Any] | None, event: Event, view: View
    ) -> Mapping[str, Any] | None:
        return {"count": (current or {"count": 10})["count"] + 1}


def carried_into(reducer: Reducer) -> dict[str, Any]:
    """Return the slice after a state that counted to two is carried over."""
    composition = Composition([Component(Counting(), {})], [])
    old = Pipeline(composition, fixed_sources(0), "old")
    resource = Counting().resources[0]
    thing = {"apiVersion": "x.io/v1", "kind": "Thing", "metadata": {"name": "a", "namespace": "b"}}
    for size in (1, 2):
        old.observe(resource, {**thing, "spec": {"size": size}}, rotate_actor())
    subject = carrying.subjects_of(old.state)[0]
    note = Checkpoint("old", 3, bytes(32)).text() + "\n\u2014 key AAAAAAAAAAAA\n"
    named = {"checkpoint": note, "origin": "old", "size": 3, "stateDigest": "0" * 64, "subjects": 1}
    new = Pipeline(composition, fixed_sources(0), "new", named)
    new.carry(old.state, subject)
    state = State(Composition([Component(reducer, {})], []))
    for seq, entry in enumerate(new.take_entries()):
        head = (seq, entry.epoch, entry.time_us, entry.kind, entry.subject)
        state.fold(Event(*head, entry.payload, entry.cause))
    return json.loads(json.dumps(state.slices.get(subject)))  # type: ignore[no-any-return]


def rotate_actor() -> Any:
    from rynxs.engine.observation import Actor

    return Actor("somebody")


def test_a_slice_that_one_observation_does_not_make_is_carried_as_it_is() -> None:
    assert carried_into(Counting()) == {"count": 2}


def test_a_reducer_of_another_version_starts_from_the_observation() -> None:
    assert carried_into(CountingFromTen()) == {"count": 11}
