from __future__ import annotations

import base64

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rynxs.errors import CheckpointRefused, ProofRefused
from rynxs.eventlog import proof, proof_file
from rynxs.eventlog.chain import Chain
from rynxs.eventlog.checkpoint import Checkpoint
from rynxs.eventlog.proof_file import ConsistencyProof, InclusionProof, Leaf
from rynxs.eventlog.tiles import Tree
from rynxs.testing import MemorySink
from rynxs.testing.histories import ORIGIN, history

SIGNATURE = "\n— key AQIDBHg=\n"
SIZE = 40


def sink() -> MemorySink:
    made = MemorySink()
    made.append(0, history(SIZE))
    return made


def checkpoint(size: int) -> Checkpoint:
    chain = Chain()
    chain.verify(history(SIZE)[:size])
    return Checkpoint(ORIGIN, size, chain.frontier.root())


def note(size: int) -> bytes:
    return (checkpoint(size).text() + SIGNATURE).encode()


def inclusion(index: int, size: int, *, content: bool = False) -> InclusionProof:
    record = history(SIZE)[index]
    assert record.payload is not None
    leaf = Leaf(record.header, (record.salt, record.payload) if content else None)
    hashes = proof.inclusion_proof(Tree(sink(), size).node, index, size)
    return InclusionProof(leaf, index, tuple(hashes), note(size))


def consistency(old: int, new: int) -> ConsistencyProof:
    hashes = proof.consistency_proof(Tree(sink(), new).node, old, new)
    return ConsistencyProof(old, tuple(hashes), note(new))


def test_an_inclusion_proof_has_the_lines_of_the_specification() -> None:
    made = inclusion(5, 9)
    lines = made.text().decode().split("\n")
    assert lines[0] == "c2sp.org/tlog-proof@v1"
    assert lines[1] == f"extra {base64.b64encode(history(SIZE)[5].header).decode()}"
    assert lines[2] == "index 5"
    assert [base64.b64decode(line) for line in lines[3:7]] == list(made.hashes)
    assert lines[7] == ""
    assert "\n".join(lines[8:]).encode() == note(9)


@given(st.integers(1, SIZE), st.data())
def test_what_is_written_is_read_again_and_verifies(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    made = inclusion(index, size, content=data.draw(st.booleans()))
    parsed = proof_file.parse(made.text())
    assert parsed == made
    assert isinstance(parsed, InclusionProof)
    found, header = parsed.verify()
    assert (found, header.seq) == (checkpoint(size), index)
    grown = consistency(index, size)
    assert proof_file.parse(grown.text()) == grown
    assert grown.verify(checkpoint(index)) == checkpoint(size)


@settings(max_examples=300)
@given(st.booleans(), st.integers(0, 2**16), st.integers(0, 7))
def test_a_proof_with_one_bit_changed_is_refused_or_is_signed_otherwise(
    content: bool, place: int, bit: int
) -> None:
    """What is left of the text's signature is all that a flip may touch: the verifier checks it."""
    text = bytearray(inclusion(5, 9, content=content).text())
    text[place % len(text)] ^= 1 << bit
    try:
        parsed = proof_file.parse(bytes(text))
        assert isinstance(parsed, InclusionProof)
        found, _ = parsed.verify()
    except (ProofRefused, CheckpointRefused):
        return
    assert parsed.leaf == inclusion(5, 9, content=content).leaf
    signed = parsed.checkpoint.split(b"\n\n")
    assert found.root == checkpoint(9).root
    assert signed[0] != note(9).split(b"\n\n")[0] or signed[1] != note(9).split(b"\n\n")[1]


HASH = base64.b64encode(bytes(32)).decode()
SHORT = base64.b64encode(bytes(31)).decode()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "not a proof"),
        ("é", "outside ASCII"),
        ("c2sp.org/tlog-proof@v2\nextra AA==\nindex 0\n\nx", "not a proof"),
        ("c2sp.org/tlog-proof@v1\nextra AA==\nindex 0\n", "no checkpoint"),
        ("c2sp.org/tlog-proof@v1\nindex 0\n\nx", "a line is missing"),
        (f"c2sp.org/tlog-proof@v1\nindex 0\n{HASH}\n\nx", "line 2: expected is 'extra"),
        ("c2sp.org/tlog-proof@v1\nextra AA=\nindex 0\n\nx", "line 2: not base64"),
        ("c2sp.org/tlog-proof@v1\nextra AB==\nindex 0\n\nx", "line 2: not in the one form"),
        ("c2sp.org/tlog-proof@v1\nextra /w==\nindex 0\n\nx", "line 2: the extra data is not"),
        ("c2sp.org/tlog-proof@v1\nextra AA==\nindex 00\n\nx", "line 3: '00' is not"),
        ("c2sp.org/tlog-proof@v1\nextra AA==\nindex -1\n\nx", "line 3: '-1' is not"),
        (f"c2sp.org/tlog-proof@v1\nextra AA==\nindex 0\n{SHORT}\n\nx", "line 4: a hash is 32"),
        (f"c2sp.org/tlog-proof@v1\nextra AA==\nindex 0\n{HASH} \n\nx", "line 4: not base64"),
        ("old 01\n\nx", "line 1: '01' is not"),
        (f"old 1\n{SHORT}\n\nx", "line 2: a hash is 32"),
        ("old 1\n" + f"{HASH}\n" * 64 + "\nx", "at most 63 hashes"),
    ],
)
def test_a_text_that_is_no_proof_is_refused_with_the_line(text: str, reason: str) -> None:
    with pytest.raises(ProofRefused, match=reason):
        proof_file.parse(text.encode())


def test_a_file_without_bound_is_refused() -> None:
    with pytest.raises(ProofRefused, match="at most"):
        proof_file.parse(bytes(proof_file.PROOF_SIZE_MAX + 1))


def test_trailing_garbage_is_refused() -> None:
    parsed = proof_file.parse(inclusion(5, 9).text() + b"garbage")
    with pytest.raises(CheckpointRefused):
        parsed.verify() if isinstance(parsed, InclusionProof) else None


def test_another_records_header_is_refused() -> None:
    made = inclusion(5, 9)._replace(leaf=Leaf(history(SIZE)[6].header))
    with pytest.raises(ProofRefused, match="that of record 6, not of 5"):
        made.verify()


def test_another_payload_is_refused() -> None:
    made = inclusion(5, 9)._replace(leaf=Leaf(history(SIZE)[5].header, (b"", b"\xa0")))
    with pytest.raises(ProofRefused, match="the payload is not that of record 5"):
        made.verify()


def test_growth_is_not_shown_of_another_log_or_size() -> None:
    made = consistency(5, 9)
    with pytest.raises(ProofRefused, match="of log"):
        made.verify(checkpoint(5)._replace(origin="another"))
    with pytest.raises(ProofRefused, match="from size 5, the old checkpoint has 4"):
        made.verify(checkpoint(4))
    with pytest.raises(ProofRefused, match="rewritten"):
        made.verify(checkpoint(5)._replace(root=bytes(32)))
