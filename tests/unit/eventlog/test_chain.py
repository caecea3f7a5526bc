from __future__ import annotations

from typing import TYPE_CHECKING

import cbor2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rynxs.errors import LogCorrupt
from rynxs.eventlog import record as rec
from rynxs.eventlog.chain import Chain, locate_damage
from rynxs.eventlog.merkle import Frontier
from rynxs.eventlog.record import Header, Record

if TYPE_CHECKING:
    from tests.unit.eventlog.conftest import MakeRecords


def rewritten(record: Record, **change: object) -> Record:
    """A record whose header says something else, in good form."""
    header = rec.decode_header(record.header)._replace(**change)  # type: ignore[arg-type]
    return record._replace(header=cbor2.dumps(tuple(header), canonical=True))


def rechained(records: list[Record]) -> list[Record]:
    """The same records with every link made anew, as a forger would."""
    chained, previous = [], rec.GENESIS
    for record in records:
        changed = rewritten(record, previous=previous)
        previous = rec.leaf_hash(changed.header)
        chained.append(changed)
    return chained


def test_a_good_chain_verifies_in_any_batches_to_the_same_tip(make_records: MakeRecords) -> None:
    records = make_records(90)
    whole, pieces = Chain(), Chain()
    headers = whole.verify(records)
    for start in range(0, 90, 7):
        pieces.verify(records[start : start + 7])
    assert [header.seq for header in headers] == list(range(90))
    assert whole.tip == pieces.tip
    assert whole.frontier.root() == pieces.frontier.root()
    assert whole.verify([]) == []


@given(st.integers(0, 19), st.integers(0, 10**6), st.integers(0, 7))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_flipped_bit_is_found_where_it_is(
    make_records: MakeRecords, index: int, place: int, bit: int
) -> None:
    records = make_records(20)
    joined = bytearray(b"".join(part or b"" for part in records[index]))
    joined[place % len(joined)] ^= 1 << bit
    header_size, salt_size = len(records[index].header), len(records[index].salt)
    damaged = Record(
        bytes(joined[:header_size]),
        bytes(joined[header_size : header_size + salt_size]),
        bytes(joined[header_size + salt_size :]),
    )
    chain = Chain()
    # A changed header of the last record may be in good form; only a checkpoint can tell.
    if index == 19 and damaged.header != records[19].header:
        return
    with pytest.raises(LogCorrupt) as corrupt:
        chain.verify([*records[:index], damaged, *records[index + 1 :]])
    assert corrupt.value.seq in {index, index + 1}
    assert chain.size == 0
    # Between the last two, a broken link does not tell which end is damaged.
    located = locate_damage(0, [*records[:index], damaged, *records[index + 1 :]])
    assert located == index or {located, index} == {18, 19}


@pytest.mark.parametrize(
    ("change", "detail"),
    [
        ({"seq": 4}, "header says seq 4"),
        ({"previous": bytes(32)}, "the record before hashes to"),
        ({"epoch": 0}, "epoch 0 after epoch 1"),
        ({"time_us": 5}, "time 5 after time"),
        ({"cause": 3}, "cause 3 is not an earlier record"),
        ({"payload_size": 1}, "header says 1"),
        ({"payload_hash": bytes(32)}, "payload hashes to"),
        ({"version": 2}, "version 2"),
        ({"seq": True}, "seq is not"),
        ({"time_us": 1000003.0}, "time_us is not"),
        ({"kind": "bad kind"}, "kind"),
        ({"subject": "bad subject"}, "subject"),
        ({"previous": "text"}, "previous is not 32 bytes"),
    ],
)
def test_a_header_that_does_not_hold_names_its_seq_and_what_is_wrong(
    make_records: MakeRecords, change: dict[str, object], detail: str
) -> None:
    records = make_records(6)
    records[3] = rewritten(records[3], **change)
    with pytest.raises(LogCorrupt, match=detail) as corrupt:
        Chain().verify(records)
    assert corrupt.value.seq == 3


@pytest.mark.parametrize("border", [0, 3])
@pytest.mark.parametrize("change", [{"epoch": 0}, {"time_us": 5}, {"cause": 3}, {"seq": 4}])
def test_what_does_not_hold_is_refused_even_when_properly_chained_in_a_batch_and_at_its_border(
    make_records: MakeRecords, change: dict[str, object], border: int
) -> None:
    records = make_records(6)
    records[3] = rewritten(records[3], **change)
    records = rechained(records)
    chain = Chain()
    chain.verify(records[:border])
    with pytest.raises(LogCorrupt) as corrupt:
        chain.verify(records[border:])
    assert corrupt.value.seq == 3


def test_a_header_out_of_deterministic_form_is_refused_even_when_properly_chained(
    make_records: MakeRecords,
) -> None:
    records = make_records(3)
    loose = records[1].header.replace(b"\x8a\x01\x01", b"\x8a\x01\x18\x01", 1)
    records[1] = records[1]._replace(header=loose)
    records[2] = rewritten(records[2], previous=rec.leaf_hash(loose))
    with pytest.raises(LogCorrupt, match="deterministic") as corrupt:
        Chain().verify(records)
    assert corrupt.value.seq == 1


def test_bytes_moved_between_two_headers_are_found(make_records: MakeRecords) -> None:
    records = make_records(3)
    moved = records[1].header[-1:]
    records[1] = records[1]._replace(header=records[1].header[:-1])
    records[2] = records[2]._replace(header=moved + records[2].header)
    with pytest.raises(LogCorrupt) as corrupt:
        Chain().verify(records)
    assert corrupt.value.seq == 1


def test_swapped_and_missing_records_are_found(make_records: MakeRecords) -> None:
    records = make_records(6)
    swapped = [*records[:2], records[3], records[2], *records[4:]]
    for damaged in (swapped, records[1:], [*records[:2], *records[3:]]):
        with pytest.raises(LogCorrupt):
            Chain().verify(damaged)


def test_a_forger_who_rewrites_every_link_changes_the_root(make_records: MakeRecords) -> None:
    records = make_records(6)
    honest, forged = Chain(), Chain()
    honest.verify(records)
    changed = [*records[:2], rewritten(records[2], time_us=1_000_003), *records[3:]]
    forged.verify(rechained(changed))
    assert forged.frontier.root() != honest.frontier.root()


def erased(seq: int, previous: bytes = rec.GENESIS, **change: object) -> Record:
    """An erased record, in whose header every number is its seq."""
    header = Header(1, seq, seq, seq, previous, "Thing", "", bytes(32), seq, seq - 1 or None)
    header = header._replace(**change)  # type: ignore[arg-type]
    return Record(rec.encode_header(header), b"", None)


@pytest.mark.parametrize(
    "number", [1, 22, 23, 24, 255, 256, 65_535, 65_536, 2**32 - 1, 2**32, rec.FIELD_MAX - 1]
)
def test_a_header_is_verified_on_both_sides_of_where_the_encoding_of_its_numbers_grows(
    number: int,
) -> None:
    first = erased(number)
    records = [first, erased(number + 1, rec.leaf_hash(first.header))]
    chain = Chain(frontier=Frontier(number, [bytes(32)] * number.bit_count()))
    headers = chain.verify(records)
    assert headers == [rec.decode_header(record.header) for record in records]
    assert chain.size == number + 2


@pytest.mark.parametrize("size", [1, 16, 17, 18, 248, 249, 250, 253])
def test_a_header_is_verified_whatever_the_length_of_its_names(size: int) -> None:
    first = erased(0, cause=None, kind="K" * min(size, 63))
    second = erased(1, rec.leaf_hash(first.header), cause=0, subject=f"g.ai/K/{'s' * size}")
    assert [header.cause for header in Chain().verify([first, second])] == [None, 0]


def test_the_hash_of_a_payload_is_bytes_though_the_payload_is_erased() -> None:
    records = [erased(0, cause=None, payload_hash="h" * 32)]
    with pytest.raises(LogCorrupt, match="payload_hash is not 32 bytes"):
        Chain().verify(records)


def test_an_erased_record_is_not_blamed_for_what_is_wrong_with_a_later_one(
    make_records: MakeRecords,
) -> None:
    records = make_records(4)
    records[1] = records[1]._replace(salt=b"", payload=None)
    records[2] = records[2]._replace(payload=b"other")
    with pytest.raises(LogCorrupt) as corrupt:
        Chain().verify(records)
    assert corrupt.value.seq == 2
    records[1] = records[1]._replace(salt=b"0123456789abcdef")
    with pytest.raises(LogCorrupt, match="a salt without a payload") as corrupt:
        Chain().verify(records)
    assert corrupt.value.seq == 1


@pytest.mark.parametrize("first_seq", [0, 3])
def test_damage_in_good_form_is_located_by_the_links_around_it(
    make_records: MakeRecords, first_seq: int
) -> None:
    batch = make_records(9)[first_seq:]
    for place, record in enumerate(batch):
        damaged = [*batch]
        damaged[place] = rewritten(record, time_us=1)
        assert locate_damage(first_seq, damaged) == first_seq + place
        damaged[place] = rewritten(record, previous=bytes(32))
        if 0 < place < len(batch) - 1:
            assert locate_damage(first_seq, damaged) == first_seq + place
        damaged[place] = record._replace(payload=b"other")
        assert locate_damage(first_seq, damaged) == first_seq + place
