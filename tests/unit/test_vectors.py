from __future__ import annotations

import ast
import importlib.util
import json
import re
import sys
from contextlib import closing
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar
from zlib import crc32

import pytest

from rynxs.engine import event as ev
from rynxs.engine import plan, shapes
from rynxs.engine.composition import Component, Composition
from rynxs.engine.contracts import Reducer, Renderer
from rynxs.engine.observation import Actor
from rynxs.engine.pipeline import Pipeline
from rynxs.engine.resource import Resource, SpecModel
from rynxs.engine.state import Slices, State
from rynxs.errors import CheckpointRefused, KeyFileError, LogCorrupt, SinkCorrupt, ValueRefused
from rynxs.eventlog import canonical, note
from rynxs.eventlog import checkpoint as cp
from rynxs.eventlog import record as rec
from rynxs.eventlog.audit import Audit
from rynxs.eventlog.batch import MalformedBatch, decode_body, encode_body
from rynxs.eventlog.chain import Chain
from rynxs.eventlog.log import Entry, Log
from rynxs.eventlog.merkle import Frontier
from rynxs.eventlog.record import Header, MalformedHeader, Record
from rynxs.eventlog.rotation import KEY_ROTATED, payload_of
from rynxs.eventlog.sink import Incident
from rynxs.sources import fixed_sources
from rynxs_signer_ed25519.keys import PrivateKey, parse_skey, parse_vkey
from rynxs_sink_file import segment as seg
from rynxs_sink_file.files import opened
from rynxs_sink_file.layout import find_tail
from rynxs_sink_file.reader import FileReader
from rynxs_sink_file.settings import FileSettings
from rynxs_sink_file.writer import FileWriter

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pydantic import BaseModel

    from rynxs.engine.contracts import View
    from rynxs.engine.event import Event

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "tests" / "vectors"
FORMAT = (ROOT / "docs" / "FORMAT.md").read_text(encoding="utf-8")
Case = dict[str, Any]


def load(name: str) -> Case:
    loaded: Case = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    return loaded


PAYLOADS, HEADERS, HASHES = load("payloads"), load("headers"), load("payload_hashes")
CHAIN, MERKLE, BATCH, SEGMENT = load("chain"), load("merkle"), load("batch"), load("segment")
CHECKPOINT, DIGESTS = load("checkpoint"), load("digests")


def each(cases: Sequence[Case]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("case", cases, ids=[case["description"] for case in cases])


def raw(text: str) -> bytes:
    return bytes.fromhex(text)


def record_of(case: Case) -> Record:
    return Record(raw(case["header"]), raw(case["salt"]), raw(case["payload"]))


def header_of(members: Case) -> Header:
    hashes = {name: raw(members[name]) for name in ("previous", "payload_hash")}
    return Header._make({**members, **hashes}[name] for name in Header._fields)


RECORDS = [record_of(case) for case in CHAIN["records"]]


def entries() -> list[Entry]:
    return [
        Entry(
            kind=case["kind"],
            subject=case["subject"],
            payload=raw(case["payload"]),
            epoch=case["epoch"],
            time_us=case["time_us"],
            cause=case["cause"],
            salt=raw(case["salt"]),
        )
        for case in CHAIN["records"]
    ]


def open_writer(directory: Path) -> FileWriter:
    return FileWriter(FileSettings(path=str(directory)), "test")


def write_vector_log(directory: Path) -> None:
    with closing(open_writer(directory)) as sink:
        log = Log.open(sink)
        log.append(entries()[:3])
        log.append(entries()[3:])
        log.save()


# The files.


def test_vector_files_are_what_generate_makes() -> None:
    spec = importlib.util.spec_from_file_location("generate_vectors", FOLDER / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    generate = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(generate)
    stored = {path.name: path.read_text(encoding="utf-8") for path in FOLDER.glob("*.json")}
    assert generate.documents() == stored


def test_generate_is_independent_of_rynxs_and_of_cbor2() -> None:
    statements = ast.walk(ast.parse((FOLDER / "generate.py").read_text(encoding="utf-8")))
    imported = {
        name.partition(".")[0]
        for statement in statements
        if isinstance(statement, ast.Import | ast.ImportFrom)
        for name in (
            [statement.module or "."]
            if isinstance(statement, ast.ImportFrom)
            else [alias.name for alias in statement.names]
        )
    }
    assert imported <= {*sys.stdlib_module_names, "cryptography"}


def test_every_vector_has_a_description() -> None:
    for path in FOLDER.glob("*.json"):
        document = json.loads(path.read_text(encoding="utf-8"))
        assert document["description"]
        for cases in document.values():
            if isinstance(cases, list) and cases and isinstance(cases[0], dict):
                assert all(case.get("description") or "leaf_hash" in case for case in cases), path


# Payloads.


@each(PAYLOADS["encoded"])
def test_payload_value_has_one_encoding_and_decodes_to_itself(case: Case) -> None:
    value = json.loads(case["json"])
    assert canonical.encode(value).hex() == case["cbor"]
    decoded = canonical.decode(raw(case["cbor"]))
    assert repr(sorted_deep(decoded)) == repr(sorted_deep(value))


def sorted_deep(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: sorted_deep(value[key]) for key in sorted(value)}
    return [sorted_deep(member) for member in value] if isinstance(value, list) else value


@each(PAYLOADS["refused_values"])
def test_payload_value_that_json_lacks_is_refused_with_its_path(case: Case) -> None:
    with pytest.raises(ValueRefused) as refused:
        canonical.encode(json.loads(case["json"]))
    assert refused.value.path == case["path"]


@each(PAYLOADS["refused_bytes"])
def test_payload_bytes_out_of_form_are_refused(case: Case) -> None:
    with pytest.raises(ValueRefused):
        canonical.decode(raw(case["cbor"]))


@each(HASHES["hashes"])
def test_payload_hash_commits_to_salt_and_payload(case: Case) -> None:
    found = rec.payload_hash(raw(case["salt"]), raw(case["payload"]))
    assert found.hex() == case["payload_hash"]


# Headers.


@each(HEADERS["valid"])
def test_header_has_one_encoding_and_decodes_to_its_members(case: Case) -> None:
    header = header_of(case["members"])
    assert rec.encode_header(header).hex() == case["header"]
    assert rec.decode_header(raw(case["header"])) == header
    assert rec.leaf_hash(raw(case["header"])).hex() == case["leaf_hash"]


@each(HEADERS["refused"])
def test_header_out_of_form_is_refused(case: Case) -> None:
    with pytest.raises(MalformedHeader):
        rec.decode_header(raw(case["header"]))


@each(HEADERS["refused"])
def test_header_out_of_form_is_corrupt_in_a_log(case: Case) -> None:
    first = HEADERS["valid"][0]["header"]
    payload = raw(HEADERS["payload"])
    assert Chain().verify([Record(raw(first), b"", payload)])
    with pytest.raises(LogCorrupt) as corrupt:
        Chain().verify([Record(raw(case["header"]), b"", payload)])
    assert corrupt.value.seq == 0


# The chain.


@pytest.mark.parametrize("batch", [1, 2, 5])
def test_chain_verifies_to_its_leaf_hashes_and_root(batch: int) -> None:
    chain = Chain()
    for start in range(0, len(RECORDS), batch):
        headers = chain.verify(RECORDS[start : start + batch])
        for header, case in zip(headers, CHAIN["records"][start:], strict=False):
            assert header.previous.hex() == case["previous"]
            assert (header.kind, header.subject) == (case["kind"], case["subject"])
            assert (header.epoch, header.time_us) == (case["epoch"], case["time_us"])
            assert header.cause == case["cause"]
    assert chain.tip.head.hex() == CHAIN["records"][-1]["leaf_hash"]
    assert chain.frontier.root().hex() == CHAIN["root"]


@pytest.mark.parametrize("batch", [1, 2, 5])
@each(CHAIN["refused"])
def test_chain_that_does_not_hold_is_corrupt_at_the_first_bad_record(
    case: Case, batch: int
) -> None:
    records = [record_of(stored) for stored in case["records"]]
    with pytest.raises(LogCorrupt) as corrupt:
        verify(records, batch)
    assert corrupt.value.seq == case["seq"]


def verify(records: Sequence[Record], batch: int) -> None:
    chain = Chain()
    for start in range(0, len(records), batch):
        chain.verify(records[start : start + batch])


# The tree.


@each(MERKLE["trees"])
def test_merkle_root_and_frontier_are_those_of_rfc_9162(case: Case) -> None:
    leaves = [raw(leaf) for leaf in MERKLE["leaf_hashes"]][: case["size"]]
    at_once, one_by_one = Frontier(), Frontier()
    at_once.extend(leaves)
    for leaf in leaves:
        one_by_one.extend([leaf])
    nodes = [raw(node) for node in case["frontier"]]
    for tree in (at_once, one_by_one, Frontier(case["size"], nodes)):
        assert tree.root().hex() == case["root"]
        assert tree.nodes() == nodes


# Batches and segments.


@each(BATCH["bodies"])
def test_batch_body_encodes_and_decodes(case: Case) -> None:
    seqs = range(case["first_seq"], case["stop"])
    records = [
        Record(RECORDS[seq].header, b"", None) if seq in case["erased"] else RECORDS[seq]
        for seq in seqs
    ]
    assert encode_body(records).hex() == case["body"]
    assert decode_body(raw(case["body"])) == records


@each(BATCH["refused"])
def test_batch_body_out_of_form_is_refused(case: Case) -> None:
    with pytest.raises(MalformedBatch):
        decode_body(raw(case["body"]))


@each(SEGMENT["batches"])
def test_batch_in_a_segment_has_its_envelope(case: Case) -> None:
    data = raw(case["bytes"])
    assert raw(SEGMENT["segment"])[case["offset"] :].startswith(data)
    envelope = seg.parse_envelope(data)
    assert envelope is not None
    assert (envelope.first_seq, envelope.size) == (case["first_seq"], len(data))
    body = data[seg.ENVELOPE_SIZE :]
    assert seg.body_holds(envelope, body)
    records = seg.decode_batch(envelope, body)
    assert seg.encode_batch(case["first_seq"], records) == data


def test_writer_makes_the_segment_the_frontier_and_the_durable_mark(tmp_path: Path) -> None:
    write_vector_log(tmp_path)
    assert (tmp_path / "segments" / SEGMENT["name"]).read_bytes().hex() == SEGMENT["segment"]
    assert (tmp_path / "objects" / "frontier").read_bytes().hex() == CHECKPOINT["frontier"]
    assert (tmp_path / "durable").read_text(encoding="ascii") == SEGMENT["durable"]
    assert (tmp_path / "LOCK").read_bytes() == b""


def test_reader_takes_the_segment_as_the_log(tmp_path: Path) -> None:
    segments = tmp_path / "segments"
    segments.mkdir()
    (segments / SEGMENT["name"]).write_bytes(raw(SEGMENT["segment"]))
    sink = FileReader(FileSettings(path=str(tmp_path)))
    assert list(sink.read()) == RECORDS
    assert Log.open(sink).root().hex() == CHAIN["root"]


@each(SEGMENT["faults"])
def test_end_of_a_segment_that_fails_is_found(case: Case, tmp_path: Path) -> None:
    path = tmp_path / SEGMENT["name"]
    path.write_bytes(raw(case["bytes"]))
    with opened(path) as descriptor:
        tail = find_tail(path, descriptor)
    assert tail.fault is not None
    assert (tail.seq, tail.offset, tail.covered) == (case["seq"], case["offset"], case["covered"])


@each(SEGMENT["faults"])
def test_failing_end_is_quarantined_whole_unless_it_was_durable(case: Case, tmp_path: Path) -> None:
    segments = tmp_path / "segments"
    segments.mkdir()
    path = segments / SEGMENT["name"]
    path.write_bytes(raw(case["bytes"]))
    if case["covered"]:
        with pytest.raises(SinkCorrupt):
            open_writer(tmp_path)
        assert path.read_bytes() == raw(case["bytes"])
        return
    with closing(open_writer(tmp_path)) as sink:
        (incident,) = sink.incidents()
        assert list(sink.read()) == RECORDS[: case["seq"]]
    cut_off = raw(case["bytes"])[case["offset"] :]
    assert (incident.seq, incident.size) == (case["seq"], len(cut_off))
    assert (tmp_path / "quarantine" / f"{incident.id}.tail").read_bytes() == cut_off
    assert incident.id == f"{case['seq']:020d}-{sha256(cut_off).hexdigest()[:16]}"
    facts = json.loads((tmp_path / "quarantine" / f"{incident.id}.json").read_bytes())
    text = f'{{"reason": "{incident.reason}", "seq": {incident.seq}, "size": {incident.size}}}'
    assert facts == {**json.loads(text), "crc32": f"{crc32(text.encode()):08x}"}
    assert path.read_bytes() == raw(case["bytes"])[: case["offset"]]


# Keys and checkpoints.


def vector_key() -> PrivateKey:
    return PrivateKey(CHECKPOINT["key"]["name"], raw(CHECKPOINT["key"]["seed"]))


def test_key_texts_come_from_the_seed_and_read_back() -> None:
    stored, key = CHECKPOINT["key"], vector_key()
    assert (key.key_id.hex(), key.vkey, key.skey) == (
        stored["key_id"],
        stored["vkey"],
        stored["skey"],
    )
    assert parse_skey(f"{stored['skey']}\n", "vector").vkey == stored["vkey"]
    assert parse_vkey(stored["vkey"]).key_id.hex() == stored["key_id"]


@each(CHECKPOINT["refused_vkeys"])
def test_text_that_is_no_vkey_is_refused(case: Case) -> None:
    with pytest.raises(KeyFileError):
        parse_vkey(case["vkey"])


def test_checkpoint_signs_to_the_vector(tmp_path: Path) -> None:
    write_vector_log(tmp_path)
    with closing(open_writer(tmp_path)) as sink:
        made = Log.open(sink).checkpoint(CHECKPOINT["origin"])
        signed = cp.sign(made, [vector_key()])
        cp.store(sink, made, signed)
    assert made.text() == CHECKPOINT["text"]
    assert signed.decode() == CHECKPOINT["accepted"][0]["checkpoint"]
    for name in CHECKPOINT["names"].values():
        assert (tmp_path / "objects" / name).read_bytes() == signed


@each(CHECKPOINT["accepted"])
def test_checkpoint_signed_by_the_known_key_is_accepted(case: Case, tmp_path: Path) -> None:
    data = case["checkpoint"].encode()
    parsed, signed = cp.parse(data)
    assert (parsed.origin, parsed.size) == (CHECKPOINT["origin"], case["size"])
    assert parsed.root.hex() == CHECKPOINT["root"]
    key = parse_vkey(CHECKPOINT["key"]["vkey"])
    assert note.verify(signed, [key]) == [key.name]
    audit_with(data, tmp_path)


@each(CHECKPOINT["refused"])
def test_checkpoint_that_fails_at_any_stage_is_refused(case: Case, tmp_path: Path) -> None:
    data = raw(case["hex"]) if "hex" in case else case["checkpoint"].encode()
    for stage in STAGES[: STAGES.index(case["stage"])]:
        pass_stage(stage, data, tmp_path)
    with pytest.raises(CheckpointRefused):
        pass_stage(case["stage"], data, tmp_path)
    with pytest.raises(CheckpointRefused):
        audit_with(data, tmp_path / "whole")


STAGES = ("note", "body", "signature", "root")


def pass_stage(stage: str, data: bytes, directory: Path) -> None:
    """Do one of the steps of accepting a checkpoint."""
    if stage == "note":
        note.parse(data)
    elif stage == "body":
        cp.parse(data)
    elif stage == "signature":
        note.verify(note.parse(data), [parse_vkey(CHECKPOINT["key"]["vkey"])])
    else:
        audit_with(data, directory)


def audit_with(data: bytes, directory: Path) -> None:
    """Audit the vectors' log with one stored checkpoint."""
    write_vector_log(directory)
    with closing(open_writer(directory)) as sink:
        sink.put(cp.LATEST, data)
        audit = Audit(sink, [parse_vkey(CHECKPOINT["key"]["vkey"])])
        for _ in audit.batches():
            pass
        assert audit.result().root.hex() == CHAIN["root"]


# Digests.


class FixedRenderer(Renderer):
    name: ClassVar[str] = "fixed"
    version: ClassVar[str] = "1"

    def __init__(self, bodies: Sequence[dict[str, Any]]) -> None:
        self.bodies = bodies

    def render(
        self, subject: str, current: Mapping[str, Any], view: View
    ) -> Sequence[dict[str, Any]]:
        return [] if current.get("gone") else self.bodies


@each(DIGESTS["manifests"])
def test_manifest_has_its_id_digest_and_retention(case: Case) -> None:
    assert canonical.encode(case["body"]).hex() == case["cbor"]
    (manifest,) = plan.render([FixedRenderer([case["body"]])], "a/b/c", {}, Slices())
    assert manifest.entry() == {name: case[name] for name in ("digest", "id", "retain")}


@each(DIGESTS["plans"])
def test_plan_has_its_digest(case: Case) -> None:
    assert plan.digest_of(case["manifests"]) == case["digest"]


@each(DIGESTS["states"])
def test_state_has_its_digest(case: Case) -> None:
    state = State(Composition([], []))
    for subject, current in case["slices"].items():
        state.slices.put(subject, current)
    assert state.digest() == case["digest"]


# The document.


def test_document_names_every_vector_file() -> None:
    for path in FOLDER.iterdir():
        if path.is_file():
            assert f"`{path.name}`" in FORMAT, path.name


def documented_kinds() -> set[str]:
    return set(re.findall(r"^### `([A-Za-z<>]+)`$", FORMAT, re.MULTILINE))


def test_document_describes_every_event_kind_and_no_other() -> None:
    own = {value for name, value in vars(ev).items() if name.isupper() and isinstance(value, str)}
    own.add(KEY_ROTATED)
    assert documented_kinds() == own | {ev.observed("<Kind>"), ev.deleted("<Kind>")}


# Kinds that the pipeline does not make by itself, with the shape that a reader demands of them.
SHAPES: dict[str, type[BaseModel]] = {
    ev.APPLIED: shapes.Applied,
    ev.APPLY_FAILED: shapes.ApplyFailed,
    ev.CARRIED: shapes.Carried,
    ev.EPOCH_STARTED: shapes.EpochStarted,
    ev.JUDGED: shapes.Judged,
    ev.LOG_CLOSED: shapes.LogClosed,
    ev.DEADLINE_REACHED: shapes.DeadlineReached,
    ev.DRIFT_OBSERVED: shapes.DriftObserved,
    ev.HOLD_PLACED: shapes.Hold,
    ev.SNAPSHOT_TAKEN: shapes.SnapshotTaken,
    ev.STATUS_OBSERVED: shapes.StatusObserved,
    ev.HOLD_RELEASED: shapes.Hold,
}
ELSEWHERE = {ev.REDACTED}  # its members are held to the document by test_redact.py


def documented_members(kind: str) -> dict[str, str]:
    """Return the members of an event kind's table, with what their second column says."""
    section = FORMAT.split(f"### `{kind}`\n", 1)[1].split("\n#", 1)[0]
    rows = re.findall(r"^\| `([A-Za-z]+)` \| ([^|]+) \|", section, re.MULTILINE)
    return {name: kind_of_value.strip() for name, kind_of_value in rows}


class ThingSpec(SpecModel):
    size: int


THING = Resource("example.com", "Thing", "things", "Namespaced", ("v1",), ThingSpec)


class ThingReducer(Reducer):
    name: ClassVar[str] = "thing"
    version: ClassVar[str] = "1"

    @property
    def resources(self) -> Sequence[Resource]:
        return (THING,)

    def reduce(
        self, current: Mapping[str, Any] | None, event: Event, view: View
    ) -> Mapping[str, Any] | None:
        return {"gone": event.kind == "ThingDeleted", "seq": event.seq}


def recorded() -> list[Entry]:
    """Return one event of every kind and form that the pipeline makes."""
    bodies = [case["body"] for case in DIGESTS["manifests"]]
    composition = Composition(
        [Component(ThingReducer(), {})], [Component(FixedRenderer(bodies), {})]
    )
    pipeline = Pipeline(composition, fixed_sources(0), "example.com/log")
    pipeline.record_incidents([Incident("id", 0, 1, "why")])
    actor = Actor("somebody")
    metadata = {"name": "a", "namespace": "b"}
    thing = {"apiVersion": "example.com/v1", "kind": "Thing", "metadata": metadata}
    pipeline.observe(THING, {**thing, "spec": {"size": "large"}}, actor)
    pipeline.observe(THING, {**thing, "spec": {"size": 1}}, actor)
    pipeline.delete("example.com/Thing/b/a", actor)
    keys = vector_key(), PrivateKey("example.com/log", bytes(32))
    pipeline.record_own(KEY_ROTATED, lambda seq: payload_of(pipeline.origin, seq, *keys))
    return pipeline.take_entries()


def test_document_lists_every_member_that_is_recorded_and_no_other() -> None:
    found: dict[str, set[str]] = {}
    for entry in recorded():
        kind = entry.kind.replace("Thing", "<Kind>")
        found.setdefault(kind, set()).update(canonical.decode(entry.payload))
    for kind, shape in SHAPES.items():
        found.setdefault(kind, set()).update(shape.model_fields)
    assert found.keys() | ELSEWHERE == documented_kinds()
    for kind, names in found.items():
        assert documented_members(kind).keys() == names, kind


def test_document_says_which_members_an_observation_always_has() -> None:
    refused, accepted = (
        set(canonical.decode(entry.payload))
        for entry in recorded()
        if entry.kind == "ThingObserved"
    )
    members = documented_members("<Kind>Observed")
    always = {name for name, form in members.items() if "refused form only" not in form}
    assert accepted == always
    assert refused == set(members)


def test_document_names_every_file_and_object_of_a_log(tmp_path: Path) -> None:
    write_vector_log(tmp_path)
    with closing(open_writer(tmp_path)) as sink:
        made = Log.open(sink).checkpoint(CHECKPOINT["origin"])
        cp.store(sink, made, cp.sign(made, [vector_key()]))
        objects = list(sink.list())
    assert objects == ["checkpoint", "checkpoints/00000000000000000005", "frontier"]
    for name in (*(path.name for path in tmp_path.iterdir()), "checkpoints/", *objects[::2]):
        assert f"`{name}" in FORMAT, name
