from __future__ import annotations

from typing import TYPE_CHECKING

import cbor2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rynxs.errors import LogCorrupt
from rynxs.eventlog import record as rec
from rynxs.eventlog.chain import Chain, locate_damage
from rynxs.eventlog.record import Record

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
