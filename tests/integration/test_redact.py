"""Redaction and legal holds, from the command line and with sinks that fail on the way."""

from __future__ import annotations

import re
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import structlog

from rynxs.config import Config
from rynxs.embedded.hold import place_hold, release_hold
from rynxs.embedded.manifests import Found
from rynxs.embedded.redact import redact
from rynxs.embedded.run import Run, prune_nothing, prune_unseen
from rynxs.errors import LogCorrupt, SinkUnavailable, UsageError
from rynxs.eventlog import canonical
from rynxs.eventlog.audit import Audit
from rynxs.eventlog.log import Entry, Log
from rynxs.eventlog.record import decode_header
from rynxs.eventlog.redaction import KEPT_KINDS, REDACTED
from rynxs.plugins import PluginManager
from rynxs.settings import RawConfig
from rynxs.sources import fixed_sources
from rynxs.testing import MemorySink, MemoryStore
from rynxs.testing.memory import MemoryReader
from rynxs_reducer_agent.reducer import AGENT

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rynxs.eventlog.sink import Sink
    from rynxs.sources import Sources
    from tests.conftest import Cli

    Agent = Callable[..., dict[str, Any]]

REPOSITORY = Path(__file__).parents[2]
DAY_US = 86_400_000_000
NOW_US = 1_800_000_000_000_000
NAME = "Jane Example of Example Street"
SUBJECT = "universe.ai/Agent/default/worker"
OTHER = "universe.ai/Agent/default/other"
LOG = ("--log", "file:log")
KEY, SIGNER = ("--key", "key.pub"), ("--signer", "ed25519:key")


class Memory(Config):
    """A configuration whose log is in memory; a test may put another kind of sink before it.

    Attributes:
        store: what is kept.
        kind: the class that writers get.
    """

    def __init__(self, **changes: Any) -> None:
        super().__init__(RawConfig.model_validate(changes), PluginManager(), "here")
        self.store = MemoryStore()
        self.kind: type[MemorySink] = MemorySink

    def open_writer(self, sources: Sources) -> Sink:
        return self.kind(self.store)

    def open_reader(self) -> Sink:
        return MemoryReader(self.store)

    def observe(self, *manifests: dict[str, Any], at_us: int = NOW_US) -> None:
        prune = prune_unseen if len(manifests) > 1 else prune_nothing
        found = [Found(AGENT, manifest, "test") for manifest in manifests]
        Run(self, self.composition(), fixed_sources(at_us)).execute(found, prune)

    def redact(self, seq: int, at_us: int = NOW_US) -> list[int]:
        return redact(self, fixed_sources(at_us), seq, "a name").seqs

    def erased(self) -> list[int]:
        return [seq for seq, record in enumerate(self.store.records) if record.payload is None]

    def unfinished(self) -> list[int]:
        audit = Audit(self.open_reader(), [])
        for _ in audit.batches():
            pass
        return audit.result().unfinished

    def kinds(self) -> list[str]:
        return [decode_header(record.header).kind for record in self.store.records]


@pytest.fixture
def config(agent: Agent) -> Memory:
    """A log of two agents; the first version of one of them, record 1 and its plan 2, has a name.

    0 epoch, 1 and 2 worker, 3 and 4 other; 5 epoch, 6 and 7 worker again.
    """
    made = Memory()
    first = agent(provider={"kind": "openai", "model": NAME, "baseUrl": "http://m.svc"})
    made.observe(first, agent("other"), at_us=1_000_000)
    made.observe(agent(), at_us=2_000_000)
    assert made.kinds()[5:] == ["EpochStarted", "AgentObserved", "Planned"]
    return made


def holds_name(store: MemoryStore) -> bool:
    return any(NAME.encode() in (record.payload or b"") for record in store.records)


def test_a_payload_and_the_plan_made_from_it_are_gone_and_the_log_verifies(
    config: Memory,
) -> None:
    assert holds_name(config.store)
    assert config.redact(1) == [1, 2]
    assert config.erased() == [1, 2]
    assert not holds_name(config.store)
    assert config.kinds()[8:] == ["EpochStarted", "Redacted"]
    assert config.unfinished() == []


def test_what_is_recorded_is_what_the_document_says(config: Memory) -> None:
    config.redact(1)
    record = config.store.records[9]
    header = decode_header(record.header)
    assert (header.subject, header.cause) == (SUBJECT, 1)
    body = canonical.decode(record.payload or b"")
    assert body["seqs"] == [1, 2]
    assert body["reason"] == "a name"
    assert body["actor"]["authenticated"] is False
    section = (REPOSITORY / "docs/FORMAT.md").read_text().split("### `Redacted`\n")[1]
    table, _, rest = section.partition("\n\nNone of them")
    assert set(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)) == set(body)
    kinds = rest.partition("\n\n")[0]
    assert set(re.findall(r"`(\w+)`", kinds)) == KEPT_KINDS


def test_a_writer_goes_on_after_a_redaction(config: Memory, agent: Agent) -> None:
    config.redact(1)
    size = len(config.store.records)
    config.observe(agent())
    assert len(config.store.records) == size, "nothing has changed, so nothing is appended"
    config.observe(agent(suspend=True))
    assert config.kinds()[size:] == ["EpochStarted", "AgentObserved", "Planned"]
    assert config.unfinished() == []


@pytest.mark.parametrize(
    ("seq", "text"),
    [
        (8, "record 8: the log holds 8 records"),
        (0, "record 0 is EpochStarted of the log itself, which can't be redacted"),
        (6, f"record 6 is the newest observation of {SUBJECT}, which is live"),
        (7, f"record 7 is the newest plan of {SUBJECT}"),
        (4, f"record 4 is the newest plan of {OTHER}"),
    ],
)
def test_what_must_stay_is_refused_and_nothing_is_appended(
    config: Memory, seq: int, text: str
) -> None:
    before = list(config.store.records)
    with pytest.raises(UsageError, match=text):
        config.redact(seq)
    assert config.store.records == before


def test_to_ask_again_for_what_is_redacted_changes_nothing(config: Memory) -> None:
    assert config.redact(1) == [1, 2]
    before = list(config.store.records)
    assert [config.redact(seq) for seq in (1, 2)] == [[], []]
    assert config.store.records == before
    with pytest.raises(UsageError, match=f"record 9 is Redacted of {SUBJECT}, which can't be"):
        config.redact(9)


def test_an_observation_whose_plan_is_still_the_newest_is_refused(
    config: Memory, agent: Agent
) -> None:
    changed = agent(suspend=True)
    config.observe(changed)  # 8 epoch, 9 and 10
    config.observe(changed | {"metadata": changed["metadata"] | {"labels": {"example.com/a": "b"}}})
    assert config.kinds()[8:] == [
        *("EpochStarted", "AgentObserved", "Planned"),
        *("EpochStarted", "AgentObserved"),
    ]
    with pytest.raises(UsageError, match="record 10, made from record 9, is the newest plan"):
        config.redact(9)


def test_all_of_a_deleted_object_can_be_redacted(config: Memory, agent: Agent) -> None:
    config.observe(agent("other"), agent("third"))
    deleted = config.kinds().index("AgentDeleted")
    assert config.redact(1) == [1, 2]
    assert config.redact(6) == [6, 7]
    assert config.redact(deleted) == [deleted]
    assert config.unfinished() == []
    config.observe(agent())
    assert config.kinds()[-2:] == ["AgentObserved", "Planned"]


@pytest.mark.parametrize("reason", ["", "  ", "a\nb", "x" * 2_001])
def test_a_reason_that_is_no_line_of_text_is_refused(config: Memory, reason: str) -> None:
    with pytest.raises(UsageError, match="--reason"):
        redact(config, fixed_sources(0), 1, reason)
    with pytest.raises(UsageError, match="--reason"):
        place_hold(config, fixed_sources(0), "", reason)


def test_a_reason_that_holds_a_credential_is_refused(config: Memory) -> None:
    with pytest.raises(UsageError, match="credential"):
        redact(config, fixed_sources(NOW_US), 1, "https://user:hunter2hunter2@example.com")
    assert len(config.store.records) == 8


# Holds, floors and locks.


@pytest.mark.parametrize("scope", [SUBJECT, ""])
def test_under_a_legal_hold_nothing_is_redacted_until_it_is_lifted(
    config: Memory, scope: str
) -> None:
    sources = fixed_sources(NOW_US)
    placed = place_hold(config, sources, scope, "case 7")
    with pytest.raises(UsageError, match=f"legal hold that record {placed} has placed"):
        config.redact(1)
    with pytest.raises(UsageError, match=f"record {placed} has placed a hold on .* already"):
        place_hold(config, sources, scope, "case 8")
    assert config.erased() == []
    release_hold(config, sources, scope, "closed")
    assert decode_header(config.store.records[-1].header).cause == placed
    with pytest.raises(UsageError, match=r"no hold on .* is in force"):
        release_hold(config, sources, scope, "closed")
    assert config.redact(1) == [1, 2]


def test_a_hold_covers_its_scope_alone(config: Memory) -> None:
    sources = fixed_sources(NOW_US)
    place_hold(config, sources, OTHER, "case 7")
    with pytest.raises(UsageError, match=f"no hold on {SUBJECT} is in force"):
        release_hold(config, sources, SUBJECT, "closed")
    with pytest.raises(UsageError, match="no hold on the whole log is in force"):
        release_hold(config, sources, "", "closed")
    with pytest.raises(UsageError, match=r"no record is about '.*wroker'"):
        place_hold(config, sources, "universe.ai/Agent/default/wroker", "a slip")
    assert config.redact(1) == [1, 2]


@pytest.mark.parametrize(("days", "after_us", "may"), [(3, 0, False), (3, 1, True), (0, -10, True)])
def test_what_is_younger_than_the_retention_floor_is_refused(
    agent: Agent, days: int, after_us: int, may: bool
) -> None:
    config = Memory(retention={"floorDays": days})
    config.observe(agent(), at_us=1_000_000)
    config.observe(agent(suspend=True), at_us=2_000_000)
    now = 1_000_000 + days * DAY_US + after_us - (0 if may else 1)
    if may:
        assert config.redact(1, max(now, 2_000_000) if not days else now) == [1, 2]
        return
    with pytest.raises(UsageError, match=r"floorDays asks to keep what is younger than 3 days"):
        config.redact(1, now)
    assert config.erased() == []


def test_what_the_storage_has_locked_is_refused_with_the_date_it_opens(config: Memory) -> None:
    class Locked(MemorySink):
        def locked_until(self, seqs: Sequence[int]) -> int | None:
            return NOW_US if 2 in seqs else None

    config.kind = Locked
    with pytest.raises(UsageError, match="records 1, 2 until 2027-01-15T08:00:00"):
        config.redact(1)
    assert len(config.store.records) == 8


# Failures on the way.


class NoPower(MemorySink):
    """Fails where it is to erase, once it has erased some."""

    after = 0

    def erase(self, seqs: Sequence[int]) -> None:
        super().erase(seqs[: self.after])
        raise SinkUnavailable("no power")


@pytest.mark.parametrize("after", [0, 1, 2])
@pytest.mark.parametrize("next_writer", ["run", "redact", "hold"])
def test_the_next_writer_finishes_a_redaction_that_was_cut_off(
    config: Memory, agent: Agent, monkeypatch: pytest.MonkeyPatch, after: int, next_writer: str
) -> None:
    monkeypatch.setattr(NoPower, "after", after)
    config.kind = NoPower
    with pytest.raises(SinkUnavailable, match=r"record 9 says that .* is redacted.*no power"):
        config.redact(1)
    assert config.kinds()[8:] == ["EpochStarted", "Redacted"]
    assert config.erased() == [1, 2][:after]
    assert config.unfinished() == [1, 2][after:]
    config.kind = MemorySink
    with structlog.testing.capture_logs() as told:
        if next_writer == "run":
            config.observe(agent())
        elif next_writer == "hold":
            place_hold(config, fixed_sources(NOW_US), "", "case 7")
        else:
            assert config.redact(1) == [1, 2][after:]
    is_told = after < 2 and next_writer != "redact"  # what is asked for needs no warning
    assert [each["seqs"] for each in told] == [[1, 2][after:]] * is_told
    assert config.erased() == [1, 2]
    assert config.unfinished() == []


def test_nothing_is_erased_that_is_not_recorded(config: Memory) -> None:
    class Full(MemorySink):
        def append(self, start: int, records: Sequence[Any]) -> None:
            raise SinkUnavailable("no space left")

    config.kind = Full
    with pytest.raises(SinkUnavailable, match="no space left"):
        config.redact(1)
    assert config.erased() == []


def test_snapshots_that_know_of_the_payload_go(config: Memory) -> None:
    for size in (1, 2, 8):
        config.store.objects[f"snapshots/{size:020d}"] = NAME.encode()
    config.redact(1)
    assert [name for name in config.store.objects if name.startswith("snapshots/")] == [
        f"snapshots/{1:020d}"
    ]


def test_a_payload_that_is_missing_by_itself_stops_every_writer(
    config: Memory, agent: Agent
) -> None:
    MemorySink(config.store).erase([1])
    for write in (lambda: config.observe(agent()), lambda: config.redact(2)):
        with pytest.raises(LogCorrupt, match="record 1: payload is missing, and no Redacted"):
            write()


# The command line, and a log in files.


@pytest.fixture
def logged(cli: Cli, agent: Agent, write: Callable[..., Path], tmp_path: Path) -> Path:
    """A signed log in files, whose records 1 and 2 have a name; returns its folder."""
    provider = {"kind": "openai", "model": NAME, "baseUrl": "http://m.svc"}
    cli("keys", "generate", "key")
    for manifest in (agent(provider=provider), agent()):
        file = write("agent.yaml", manifest)
        assert cli("run", file, *LOG, "--signer", "ed25519:key").status == 0
    return tmp_path / "log"


def on_disk(folder: Path) -> bool:
    return any(NAME.encode() in file.read_bytes() for file in folder.rglob("*") if file.is_file())


def test_redact_erases_in_the_files_and_all_that_is_signed_still_verifies(
    cli: Cli, logged: Path
) -> None:
    assert on_disk(logged)
    done = cli("log", "redact", 1, "--reason", "a slip", "--json", *LOG, *SIGNER)
    assert (done.status, done.json()) == (
        0,
        {"redactedBy": 7, "seqs": [1, 2], "subject": SUBJECT},
    )
    assert not on_disk(logged)
    verified = cli("log", "verify", "--key", "key.pub", "--json", *LOG).json()
    assert (verified["redacted"], verified["redactionsUnfinished"]) == (2, [])
    assert [each["size"] for each in verified["checkpoints"]] == [3, 6, 8, 8]
    assert cli("checkpoint", "verify", "--key", "key.pub", *LOG).status == 0
    assert cli("checkpoint", "create", "--signer", "ed25519:key", *LOG).status == 0
    assert "redacted: 2 payloads" in cli("log", "verify", *LOG).out


# Somebody who can write the storage, and has no key.


def forge(sink: Sink, *seqs: int) -> None:
    """Append a record that says that others are redacted, and that nobody asked for."""
    log = Log.open(sink)
    actor = {"authenticated": False, "name": "nobody"}
    body = canonical.encode({"actor": actor, "reason": "privacy", "seqs": list(seqs)})
    tip = log.tip
    log.append([Entry(REDACTED, SUBJECT, body, tip.epoch, tip.time_us, seqs[0])])


def test_an_erasure_that_nobody_signed_for_is_one_by_hand_to_whoever_has_a_key(
    cli: Cli, logged: Path, tmp_path: Path
) -> None:
    assert cli("log", "copy", "file:log", "file:copy", *KEY).status == 0
    with closing(load_files().open_writer(fixed_sources(0))) as sink:
        forge(sink, 1)
        assert cli("log", "verify", *LOG, *KEY).status == 0
        before = cli("log", "copy", "file:log", "file:copy", *KEY, "--json").json()
        assert before["payloadsErased"] == 0
        sink.erase([1])
    assert cli("log", "verify", *LOG).status == 0
    for command in (("verify", *LOG), ("copy", "file:log", "file:copy")):
        done = cli("log", *command, *KEY)
        assert done.status == 1
        assert "record 1: payload is missing, and no checkpoint that a known key" in done.err
    assert on_disk(tmp_path / "copy")


def test_a_writer_that_signs_does_not_act_on_a_redaction_that_nobody_signed_for(
    cli: Cli, logged: Path
) -> None:
    with closing(load_files().open_writer(fixed_sources(0))) as sink:
        forge(sink, 1)
    cli("keys", "generate", "new", "--name", "rynxs.local/new")
    commands = (
        ("run", "agent.yaml"),
        ("log", "rotate", "file:next"),
        ("keys", "rotate", "new"),
        ("log", "hold", "--reason", "x"),
        ("log", "redact", 2, "--reason", "x"),
    )
    (logged.parent / "rynxs.yaml").write_text(
        "plugins: {signer: ed25519}\nsettings: {signer: {keyFile: key}}\n"
    )
    for command in commands[:-1]:
        done = cli(*command, *LOG, *(() if "hold" in command else SIGNER))
        assert done.status == 1, command
        assert "record 6 says that record 1 is redacted, and no checkpoint signed" in done.err
    assert on_disk(logged)
    assert cli("log", "list", *LOG, "--json").json()["records"][-1]["seq"] == 6
    assert cli("log", "redact", 1, "--reason", "so be it", *LOG).status == 0
    assert not any(NAME.encode() in (payload or b"") for payload in payloads()[1:2])
    assert cli("log", "verify", *LOG, *KEY).status == 0


def test_what_must_stay_is_not_erased_because_a_record_says_so(
    config: Memory, agent: Agent
) -> None:
    place_hold(config, fixed_sources(NOW_US), OTHER, "case 7")
    forge(MemorySink(config.store), 3, 6)
    with structlog.testing.capture_logs() as told:
        config.observe(agent())
    assert config.erased() == []
    assert [each["seq"] for each in told if "seq" in each] == [3, 6]
    assert "newest observation" in told[1]["reason"]


def test_a_redaction_is_signed_for_before_it_is_done_and_finished_by_the_same_command(
    cli: Cli, logged: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise SinkUnavailable("the plug was pulled")

    asked = ("log", "redact", 1, "--reason", "a slip", *LOG, *SIGNER)
    with monkeypatch.context() as patch:
        patch.setattr("rynxs.embedded.redact.publish_signed", fail)
        assert cli(*asked).status == 3
    assert on_disk(logged)
    stopped = cli("run", "agent.yaml", *LOG, *SIGNER)
    assert (stopped.status, "rynxs log redact 1" in stopped.err) == (1, True)
    with monkeypatch.context() as patch:
        patch.setattr("rynxs.embedded.redact.erase", fail)
        assert cli(*asked).status == 3
    assert on_disk(logged)
    assert cli("log", "verify", *LOG, *KEY).status == 0
    assert "erased: the payload of 1, 2\nrecorded: before, as record 7" in cli(*asked).out
    assert "erased: nothing" in cli(*asked).out
    assert not on_disk(logged)
    assert cli("log", "verify", *LOG, *KEY).status == 0


def payloads() -> list[bytes | None]:
    with closing(load_files().open_reader()) as sink:
        return [record.payload for record in sink.read()]


def test_what_was_set_aside_may_be_a_copy_of_the_payload_and_goes_too(
    cli: Cli, logged: Path
) -> None:
    segment = next((logged / "segments").glob("*.seg"))
    with segment.open("ab") as file:
        file.write(NAME.encode())
    assert cli("run", "agent.yaml", *LOG, *SIGNER).status == 0
    (tail,) = (logged / "quarantine").glob("*.tail")
    assert tail.read_bytes() == NAME.encode()
    assert cli("log", "redact", 1, "--reason", "a slip", *LOG, *SIGNER).status == 0
    assert not tail.exists()
    assert tail.with_suffix(".json").exists()
    assert not on_disk(logged)


def test_erased_records_are_shown_with_who_redacted_them_and_why(cli: Cli, logged: Path) -> None:
    cli("log", "redact", 1, "--reason", "a [bold]slip[/]", *LOG)
    why = {"by": 7, "reason": "a [bold]slip[/]"}
    for command in ("list", "tail"):
        shown = cli("log", command, *LOG).out
        assert "record 1: redacted by record 7: a [bold]slip[/]\n" in shown
        assert "record 2: redacted by record 7" in shown
        records = cli("log", command, "--json", *LOG).json()["records"]
        assert [each.get("redacted") for each in records[:4]] == [None, why, why, None]
    shown = cli("log", "show", 1, "--json", *LOG).json()
    assert shown["redacted"] == why
    assert "payload" not in shown
    assert "salt" not in shown


def test_a_missing_payload_that_nothing_redacts_is_no_redaction_in_any_command(
    cli: Cli, logged: Path
) -> None:
    config = load_files()
    sink = config.open_writer(fixed_sources(0))
    sink.erase([1])
    sink.close()
    for command in (("verify",), ("show", 1), ("copy", "file:log", "file:copy")):
        done = cli("log", *command, *(LOG if command[0] != "copy" else ()))
        assert done.status == 1, command
        assert "record 1: payload is missing, and no Redacted record names it" in done.err
    assert "record 1: payload is missing" in cli("log", "list", *LOG).out


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("redact", 4, "--reason", "x"), "observe a new version"),
        (("redact", 1), "--reason"),
        (("release", "--reason", "x"), "no hold on the whole log is in force"),
        (("hold", "nobody", "--reason", "x"), "no record is about 'nobody'"),
    ],
)
def test_what_a_user_gets_wrong_is_a_sentence_and_exit_status_2(
    cli: Cli, logged: Path, arguments: tuple[object, ...], text: str
) -> None:
    done = cli("log", *arguments, *LOG)
    assert done.status == 2
    assert text in done.err


def test_a_log_that_is_not_there_is_not_made(cli: Cli, tmp_path: Path) -> None:
    for command in (("redact", 1), ("hold",), ("release",)):
        assert cli("log", *command, "--reason", "x", "--log", "file:none").status == 3
    assert not (tmp_path / "none").exists()


def test_holds_on_the_command_line(cli: Cli, logged: Path) -> None:
    placed = cli("log", "hold", SUBJECT, "--reason", "case 7", "--json", *LOG)
    assert placed.json() == {"scope": SUBJECT, "seq": 7}
    assert cli("log", "redact", 1, "--reason", "x", *LOG).status == 2
    released = cli("log", "release", SUBJECT, "--reason", "closed", *LOG)
    assert f"lifted: hold on {SUBJECT}, record 9" in released.out
    assert cli("log", "redact", 1, "--reason", "x", *LOG).status == 0


def test_a_copy_takes_erased_records_along_and_a_later_erasure_too(
    cli: Cli, logged: Path, tmp_path: Path
) -> None:
    copying = ("log", "copy", "file:log", "file:copy", "--json")
    assert cli(*copying).json()["payloadsErased"] == 0
    assert on_disk(tmp_path / "copy")
    cli("log", "redact", 1, "--reason", "a slip", *LOG, *SIGNER)
    assert cli(*copying).json()["payloadsErased"] == 2
    assert not on_disk(tmp_path / "copy")
    assert cli(*copying).json()["payloadsErased"] == 0
    fresh = cli("log", "copy", "file:log", "file:fresh", "--json").json()
    assert (fresh["recordsCopied"], fresh["payloadsErased"]) == (8, 0)
    for log in ("copy", "fresh"):
        assert cli("log", "verify", "--key", "key.pub", "--log", f"file:{log}").status == 0


def load_files() -> Config:
    return Config(RawConfig(), PluginManager(), "here").with_log("file:log")


def test_a_sessions_input_is_erased_once_the_session_is_deleted_and_not_before(
    cli: Cli, write: Callable[..., Path], agent: Agent
) -> None:
    """Its first spec stays in force, whatever is observed later; so it must not become unknown."""

    def session(**spec: Any) -> dict[str, Any]:
        return {
            "apiVersion": "universe.ai/v1alpha1",
            "kind": "Session",
            "metadata": {"name": "run", "namespace": "default"},
            "spec": {"agentRef": "worker", "input": {"text": NAME}, **spec},
        }

    cli("run", write("a.yaml", agent(), session()), *LOG)
    cli("run", write("a.yaml", agent(), session(suspend=True)), *LOG)
    records = cli("log", "list", *LOG, "--json").json()["records"]
    seen = [record["seq"] for record in records if record["kind"] == "SessionObserved"]
    for seq in seen:
        refused = cli("log", "redact", seq, "--reason", "a name", *LOG)
        assert refused.status == 2
        assert "observe its deletion first" in refused.err
    cli("run", write("a.yaml", agent()), *LOG, "--prune")
    for seq in seen:
        assert cli("log", "redact", seq, "--reason", "a name", *LOG).status == 0
    segments = Path("log/segments")
    assert not any(NAME.encode() in file.read_bytes() for file in segments.iterdir())
    assert cli("replay", "--check", *LOG).status == 0
    assert cli("log", "verify", *LOG).status == 0


def test_an_unsigned_redaction_of_a_signed_log_is_told(
    cli: Cli, write: Callable[..., Path], agent: Agent
) -> None:
    cli("keys", "generate", "key")
    cli("run", write("a.yaml", agent()), *LOG, *SIGNER)
    cli("run", write("a.yaml", agent(suspend=True)), *LOG, *SIGNER)
    done = cli("log", "redact", 1, "--reason", "a name", *LOG)
    assert done.status == 0
    assert "warning: this log is signed, and the redaction is not" in done.err
    assert cli("log", "verify", *LOG, *KEY).status == 1
    again = cli("log", "redact", 1, "--reason", "a name", *LOG, *SIGNER)
    assert (again.status, again.err) == (0, "")
    assert cli("log", "verify", *LOG, *KEY).status == 0
