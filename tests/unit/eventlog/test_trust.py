"""Whose signatures count: several keys, a number of them, and keys that the log itself replaces."""

from __future__ import annotations

import base64
from hashlib import sha256
from typing import TYPE_CHECKING

import pytest

from rynxs.errors import CheckpointRefused, KeyFileError, LogCorrupt, UsageError
from rynxs.eventlog import checkpoint as cp
from rynxs.eventlog import note
from rynxs.eventlog.audit import Audit
from rynxs.eventlog.growth import Growth
from rynxs.eventlog.record import Record, decode_header
from rynxs.eventlog.resume import chain_at
from rynxs.eventlog.rotation import KEY_ROTATED, Rotation
from rynxs.eventlog.trust import Trust
from rynxs.eventlog.witness import Expected
from tests.unit.eventlog.rotated import ORIGIN, Key, RotatedLog, history, parse

if TYPE_CHECKING:
    from rynxs.eventlog.note import NoteVerifier
    from rynxs.testing import MemorySink

A, B, C = Key("log.example", 1), Key("log.example", 2), Key("log.example", 3)
WITNESS, OTHER = Key("witness.example"), Key("other.example")


def audited(sink: MemorySink, *keys: NoteVerifier, required: int = 1) -> list[int]:
    """Return the sizes of the checkpoints that an audit accepts."""
    audit = Audit(sink, Trust(keys, required, parse))
    for _ in audit.batches():
        pass
    return [checked.size for checked in audit.result().checkpoints]


def refused(error: type[Exception], text: str, sink: MemorySink, *keys: Key) -> None:
    with pytest.raises(error, match=text):
        audited(sink, *keys)


# A number of keys.


def test_as_many_distinct_keys_as_required_must_have_signed_the_newest_checkpoint() -> None:
    made = RotatedLog()
    made.sign(A)  # of an older one, one signature is enough
    made.grow()
    made.sign(A, WITNESS)
    assert audited(made.sink, A, WITNESS, required=2) == [1, 4, 4]
    assert audited(made.sink, A, WITNESS, OTHER, required=2) == [1, 4, 4]
    with pytest.raises(CheckpointRefused, match=r"^checkpoint: signed by 2 of .* 3 are required"):
        audited(made.sink, A, WITNESS, OTHER, required=3)


def test_a_key_that_signs_twice_counts_once() -> None:
    made = RotatedLog()
    signed = note.parse(made.sign(A))
    lines = "".join(map(note.format_signature, signed.signatures * 2))
    made.sink.put(cp.LATEST, f"{signed.text}\n{lines}".encode())
    with pytest.raises(CheckpointRefused, match="signed by 1 of the known keys"):
        audited(made.sink, A, WITNESS, required=2)


def test_only_the_newest_of_the_stored_checkpoints_needs_all_signatures() -> None:
    made = RotatedLog()
    made.sign(A)
    cosigned = note.countersign(made.sink.objects[cp.LATEST], [WITNESS])
    made.sink.put(cp.LATEST, cosigned)
    assert audited(made.sink, A, WITNESS, required=2) == [1, 1]
    del made.sink.objects[cp.LATEST]
    with pytest.raises(CheckpointRefused, match=r"^checkpoints/0+1: signed by 1 of"):
        audited(made.sink, A, WITNESS, required=2)


def test_an_older_checkpoint_put_back_does_not_stand_for_the_largest() -> None:
    made = RotatedLog()
    cosigned = made.sign(A, WITNESS)
    made.grow()
    made.sign(A)
    made.sink.put(cp.LATEST, cosigned)
    with pytest.raises(CheckpointRefused, match=r"^checkpoints/0+4: signed by 1 of"):
        audited(made.sink, A, WITNESS, required=2)


@pytest.mark.parametrize("required", [0, 3, -1])
def test_no_other_number_than_one_up_to_all_keys_can_be_required(required: int) -> None:
    with pytest.raises(UsageError, match=f"{required} signatures are required of 2 known keys"):
        Trust((A, B), required)


def test_two_keys_of_one_name_and_key_id_can_not_both_be_trusted() -> None:
    with pytest.raises(UsageError, match="two keys are called"):
        Trust((A, Key("log.example", 1)))


def test_without_keys_no_signature_is_checked_and_no_rotation_followed() -> None:
    made = history(A, B)
    made.append(KEY_ROTATED, {"nonsense": 1})
    assert audited(made.sink) == [4, 8, 11, 11]


# Rotations.


@pytest.mark.parametrize("key", [A, B, C])
def test_whoever_knows_one_key_of_a_line_verifies_what_all_of_them_signed(key: Key) -> None:
    made = history(A, B, C)
    assert audited(made.sink, key) == [4, 8, 11, 15, 18, 18]


@pytest.mark.parametrize("key", [A, B, C])
def test_a_single_checkpoint_is_verified_by_any_key_of_the_line(key: Key) -> None:
    made = history(A, B, C)
    for name in made.sink.list(cp.NUMBERED):
        expected = Expected.of(name, made.sink.objects[name], 1)
        growth = Growth(made.sink, Trust((key,), 1, parse), [expected])
        read = sum(len(batch) for batch in growth.batches())
        assert [checked.name for checked in growth.checked] == [name]
        vouched_later = key == C and expected.checkpoint.size < 11
        assert (read > expected.checkpoint.size) >= vouched_later


def test_a_stranger_to_the_line_is_told_before_a_record_is_verified() -> None:
    made = RotatedLog()
    made.grow()
    made.sign(A)
    with pytest.raises(CheckpointRefused, match="none of the known keys"):
        Audit(made.sink, Trust((OTHER,), 1, parse))


def test_a_stranger_to_the_line_is_refused_in_a_rotated_log_too() -> None:
    refused(CheckpointRefused, "none of the known keys", history(A, B).sink, OTHER)


@pytest.mark.parametrize("key", [A, B])
def test_a_retired_key_alone_signs_nothing_beyond_the_rotation(key: Key) -> None:
    made = RotatedLog()
    made.grow()
    made.rotate(A, B)
    made.sign(A)  # with the rotation as its last record it still may
    assert audited(made.sink, key) == [5, 5]
    made.grow(1)
    made.sign(A)
    refused(CheckpointRefused, "not the log's key at size 6", made.sink, key)


def test_a_retired_key_may_sign_beside_its_successor() -> None:
    made = history(A, B)
    made.grow(1)
    made.sign(A, B)
    assert audited(made.sink, A)[-1] == made.size


def test_a_new_key_counts_from_its_rotation_on_unless_it_is_trusted_of_itself() -> None:
    made = RotatedLog()
    made.sign(B)
    made.grow()
    made.rotate(A, B)
    made.sign(A, B)
    refused(CheckpointRefused, "not the log's key at size 1", made.sink, A)
    assert audited(made.sink, B) == [1, 5, 5]


def test_keys_of_one_line_count_as_one_signer() -> None:
    made = RotatedLog()
    made.rotate(A, B)
    made.sign(A, B)
    with pytest.raises(CheckpointRefused, match="signed by 1 of the known keys"):
        audited(made.sink, A, WITNESS, required=2)
    with pytest.raises(CheckpointRefused, match="signed by 1 of the known keys"):
        audited(made.sink, A, B, required=2)


def test_keys_of_one_line_count_as_one_signer_before_the_rotation_that_links_them() -> None:
    made = RotatedLog()
    made.grow()
    made.sign(A, B)
    assert audited(made.sink, A, B, required=2) == [4, 4]
    made.grow()
    made.rotate(A, B)
    with pytest.raises(CheckpointRefused, match=r"^checkpoint: signed by 1 of the known"):
        audited(made.sink, A, B, required=2)


def test_a_witness_counts_beside_the_successor_of_a_key() -> None:
    made = history(A, B)
    made.grow()
    made.sign(B, WITNESS)
    assert audited(made.sink, A, WITNESS, required=2)[-1] == made.size
    assert audited(made.sink, A, B, WITNESS, required=2)[-1] == made.size


def test_a_bad_signature_of_a_key_learned_refuses_the_checkpoint() -> None:
    made = history(A, B)
    signed = note.parse(made.sink.objects[cp.LATEST])
    bad = signed.signatures[0]._replace(signature=b"bad")
    text = f"{signed.text}\n{note.format_signature(bad)}"
    made.sink.put(cp.LATEST, text.encode())
    refused(
        CheckpointRefused, r"^checkpoint: the signature of log\.example is not valid", made.sink, A
    )


def test_a_rotation_between_strangers_changes_nothing() -> None:
    made = RotatedLog()
    made.rotate(WITNESS, OTHER)
    made.sign(A)
    assert audited(made.sink, A) == [2, 2]


def audited_from(sink: MemorySink, size: int, key: Key) -> list[int]:
    start = cp.parse(sink.objects[cp.numbered_name(size)])[0]
    audit = Audit(sink, Trust((key,), 1, parse), chain_at(sink, start))
    for _ in audit.batches():
        pass
    return [checked.size for checked in audit.result().checkpoints]


def test_who_starts_from_the_checkpoint_of_a_rotation_knows_who_takes_over_and_who_is_retired() -> (
    None
):
    made = history(A, B)
    assert audited_from(made.sink, 8, A) == audited_from(made.sink, 8, B) == [11, 11]
    made.grow(1)
    made.sign(A)
    with pytest.raises(CheckpointRefused, match="not the log's key at size 12"):
        audited_from(made.sink, 8, A)
    last = made.sink.records[7]
    made.sink.records[7] = last._replace(payload=b"\xa0")
    with pytest.raises(LogCorrupt, match="record 7: payload"):
        audited_from(made.sink, 8, A)


# Rotations that do not hold.


def signed_by(rotation: Rotation, *keys: Key) -> str:
    return note.sign(rotation.text(), keys).decode()


FORGED = {
    "signed by the old key only": (
        {"note": signed_by(Rotation(ORIGIN, 1, A.vkey, B.vkey), A)},
        "not signed by the old and the new key",
    ),
    "signed by the new key only": (
        {"note": signed_by(Rotation(ORIGIN, 1, A.vkey, B.vkey), B)},
        "not signed by the old and the new key",
    ),
    "of another seq": (
        {"note": signed_by(Rotation(ORIGIN, 2, A.vkey, B.vkey), A, B)},
        "not that of this rotation",
    ),
    "of another log": (
        {"note": signed_by(Rotation("other.example", 1, A.vkey, B.vkey), A, B)},
        "not that of this rotation",
    ),
    "to another key": ({"new": C.vkey}, "not that of this rotation"),
    "from another key": ({"old": C.vkey}, "not that of this rotation"),
    "to itself": (
        {"new": A.vkey, "note": signed_by(Rotation(ORIGIN, 1, A.vkey, A.vkey), A)},
        "takes over from itself",
    ),
    "no note": ({"note": "nonsense"}, "no signature lines"),
    "no text": ({"note": 5}, "not of its shape"),
    "no key": ({"old": None}, "not of its shape"),
    "of a scheme that is not there": (
        {
            "new": "x+8f3e9a5a+AXg=",
            "note": signed_by(Rotation(ORIGIN, 1, A.vkey, "x+8f3e9a5a+AXg="), A, B),
        },
        "vkey 'x",
    ),
}


@pytest.mark.parametrize(("changed", "text"), FORGED.values(), ids=FORGED)
@pytest.mark.parametrize("key", [A, B, WITNESS])
def test_a_forged_rotation_is_refused_with_its_seq(
    key: Key, changed: dict[str, object], text: str
) -> None:
    made = RotatedLog()
    made.rotate(A, B, changed)
    made.sign(A, B, WITNESS)
    refused(LogCorrupt, f"^record 1: .*{KEY_ROTATED}.*{text}", made.sink, key)


def test_a_forged_signature_of_either_key_is_refused() -> None:
    for place in (0, 1):
        made = RotatedLog()
        rotation = note.parse(signed_by(Rotation(ORIGIN, 1, A.vkey, B.vkey), A, B).encode())
        lines = list(rotation.signatures)
        lines[place] = lines[place]._replace(signature=b"forged")
        text = f"{rotation.text}\n{''.join(map(note.format_signature, lines))}"
        made.rotate(A, B, {"note": text})
        made.sign(A)
        refused(LogCorrupt, r"^record 1: KeyRotated: the signature of log.example", made.sink, A)


def test_a_key_that_only_claims_to_be_the_trusted_one_hands_nothing_over() -> None:
    class Colliding(Key):
        """Another key, whose name and key ID are those of A."""

        @property
        def key_id(self) -> bytes:
            return A.key_id

        def sign(self, message: bytes) -> bytes:
            return b"another scheme" + message[:4]

    made = RotatedLog()
    made.rotate(Colliding("log.example", 1), B)
    made.sign(A)
    refused(
        LogCorrupt, "record 1: KeyRotated: the signature of log.example is not valid", made.sink, A
    )


def test_a_retired_key_hands_over_to_nobody_and_none_takes_over_twice() -> None:
    again = history(A, B)
    again.rotate(A, C)
    again.sign(B)
    refused(
        LogCorrupt, rf"^record {again.size - 1}: KeyRotated: .* is retired already", again.sink, B
    )
    back = history(A, B)
    back.rotate(B, A)
    back.sign(B)
    refused(LogCorrupt, rf"^record {back.size - 1}: KeyRotated: .* was in use before", back.sink, A)


def test_a_rotation_whose_payload_is_gone_is_refused_with_its_seq() -> None:
    made = history(A, B)
    place = next(
        seq
        for seq, record in enumerate(made.sink.records)
        if decode_header(record.header).kind == KEY_ROTATED
    )
    made.sink.records[place] = Record(made.sink.records[place].header, b"", None)
    growth = Growth(
        made.sink,
        Trust((A,), 1, parse),
        [Expected.of(cp.LATEST, made.sink.objects[cp.LATEST], 1)],
    )
    with pytest.raises(LogCorrupt, match=rf"^record {place}: payload is missing, and a KeyRot"):
        list(growth.batches())


def test_keys_without_a_scheme_to_read_vkeys_with_can_not_follow_a_rotation() -> None:
    with pytest.raises(LogCorrupt, match="no signature scheme is at hand"):
        list(Audit(history(A, B).sink, [A]).batches())


# The statement.


def test_the_statement_has_a_checkpoint_s_form_and_binds_seq_origin_and_both_keys() -> None:
    bound = f"{ORIGIN}\n{A.vkey}\n{B.vkey}\n"
    text = Rotation(ORIGIN, 7, A.vkey, B.vkey).text()
    digest = base64.b64encode(sha256(bound.encode()).digest()).decode()
    assert text == f"rynxs key rotation v1\n7\n{digest}\n{bound}"
    assert cp.parse_form(text).size == 7


def test_no_log_can_be_called_what_a_rotation_is_signed_as() -> None:
    text = Rotation(ORIGIN, 7, A.vkey, B.vkey).text()
    with pytest.raises(CheckpointRefused, match="does not match"):
        cp.sign(cp.parse_form(text), [A])
    with pytest.raises(CheckpointRefused, match="does not match"):
        cp.parse_text(text)


def test_the_scheme_of_these_tests_reads_only_its_own_keys() -> None:
    assert parse(A.vkey) == A
    with pytest.raises(KeyFileError):
        parse("example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k")
