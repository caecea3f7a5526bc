"""Proofs, judged by transparency-dev/merkle, golang.org/x/mod's tlog, and by us."""

from __future__ import annotations

import base64
import random
from collections import Counter
from functools import cache
from hashlib import sha256
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from rynxs.errors import CheckpointRefused, ProofRefused
from rynxs.eventlog import note, proof, proof_file
from rynxs.eventlog.checkpoint import Checkpoint, parse
from rynxs.eventlog.merkle import EMPTY_ROOT, Frontier, node_hash
from rynxs.eventlog.proof_file import ConsistencyProof, InclusionProof, Leaf
from rynxs.eventlog.record import leaf_hash
from rynxs.testing.histories import history
from tests.interop import program
from tests.interop.changes import changed
from tests.interop.keys import LOG, Key, go_signed, go_signed_all
from tests.interop.program import ask, hashes

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from tests.conftest import Cli

pytestmark = program.needed

ORIGIN = "log.example/interop"
TRAPS = (1, 2, 3, 4, 5, 7, 8, 9, 255, 256, 257, 511, 513, 65_535, 65_536, 65_537)
LARGEST = TRAPS[-1]
SIZE = 300


class OurTree:
    """A tree in memory, for our own functions: `node` is what they ask for."""

    def __init__(self, leaves: Sequence[bytes]) -> None:
        self.levels = [list(leaves)]
        while len(self.levels[-1]) > 1:
            row = self.levels[-1]
            pairs = zip(row[::2], row[1::2], strict=False)
            self.levels.append([node_hash(left, right) for left, right in pairs])

    def node(self, level: int, index: int) -> bytes:
        return self.levels[level][index]

    def root(self, size: int) -> bytes:
        return proof.range_root(self.node, 0, size)


@cache
def our_tree() -> OurTree:
    """The tree that Go builds too: leaf N is the text "leaf N"."""
    return OurTree([leaf_hash(b"leaf %d" % number) for number in range(LARGEST)])


def _indices(size: int) -> list[int]:
    near = {0, 1, size // 2, size - 2, size - 1, 254, 255, 256, 65_535, 65_536}
    return sorted(index for index in near if 0 <= index < size)


INCLUSION = [(index, size) for size in TRAPS for index in _indices(size)]
CONSISTENCY = [(old, new) for new in TRAPS for old in TRAPS if old <= new]
EVERY_INCLUSION = [(index, size) for size in range(1, 34) for index in range(size)]
EVERY_CONSISTENCY = [(old, new) for new in range(1, 34) for old in range(1, new + 1)]


def test_their_trees_and_proofs_are_ours_and_verify() -> None:
    inclusion, consistency = INCLUSION + EVERY_INCLUSION, CONSISTENCY + EVERY_CONSISTENCY
    request = {"size": LARGEST, "roots": [0, *TRAPS]}
    (answer,) = ask("tree", [request | {"inclusion": inclusion, "consistency": consistency}])
    ours = our_tree()
    assert hashes(answer["roots"]) == [ours.root(size) for size in (0, *TRAPS)]
    assert ours.root(0) == EMPTY_ROOT
    for (index, size), texts in zip(inclusion, answer["inclusion"], strict=True):
        theirs = hashes(texts)
        assert theirs == proof.inclusion_proof(ours.node, index, size)
        proof.verify_inclusion(index, size, ours.node(0, index), theirs, ours.root(size))
    for (old, new), texts in zip(consistency, answer["consistency"], strict=True):
        theirs = hashes(texts)
        assert theirs == proof.consistency_proof(ours.node, old, new)
        proof.verify_consistency(old, new, ours.root(old), ours.root(new), theirs)


def test_the_root_of_our_headers_is_theirs_at_every_size() -> None:
    leaves = [record.header for record in history(SIZE)]
    (answer,) = ask("roots", [{"leaves": leaves}])
    frontier = Frontier()
    ours = [frontier.root()]
    for leaf in leaves:
        frontier.extend([leaf_hash(leaf)])
        ours.append(frontier.root())
    assert hashes(answer["roots"]) == ours


class Inclusion(NamedTuple):
    seq: int
    size: int
    leaf: bytes
    root: bytes
    hashes: list[bytes]

    @classmethod
    def of(cls, index: int, size: int) -> Inclusion:
        tree = our_tree()
        path = proof.inclusion_proof(tree.node, index, size)
        return cls(index, size, tree.node(0, index), tree.root(size), path)

    def verify(self) -> None:
        proof.verify_inclusion(self.seq, self.size, self.leaf, self.hashes, self.root)

    def request(self) -> dict[str, Any]:
        made = self._asdict()
        index = made.pop("seq")
        return made | {"index": index}


class Consistency(NamedTuple):
    old: int
    new: int
    old_root: bytes
    new_root: bytes
    hashes: list[bytes]

    @classmethod
    def of(cls, old: int, new: int) -> Consistency:
        tree = our_tree()
        path = proof.consistency_proof(tree.node, old, new)
        return cls(old, new, tree.root(old), tree.root(new), path)

    def verify(self) -> None:
        proof.verify_consistency(self.old, self.new, self.old_root, self.new_root, self.hashes)

    def request(self) -> dict[str, Any]:
        made = self._asdict()
        roots = {"oldRoot": made.pop("old_root"), "newRoot": made.pop("new_root")}
        return made | roots


def _is_accepted(case: Inclusion | Consistency) -> bool:
    try:
        case.verify()
    except ProofRefused:
        return False
    return True


def _judged_alike(question: str, cases: Sequence[Inclusion | Consistency]) -> Counter[bool]:
    """Compare our verdicts with those of both libraries; return how many there are of each."""
    verdicts = Counter[bool]()
    answers = ask(question, [case.request() for case in cases])
    for case, answer in zip(cases, answers, strict=True):
        ours = _is_accepted(case)
        assert answer["merkle"]["accepted"] == ours, (case, answer)
        if answer["tlog"] is not None:
            assert answer["tlog"]["accepted"] == ours, (case, answer)
        verdicts[ours] += 1
    return verdicts


def test_they_accept_our_proofs_at_the_traps() -> None:
    inclusion = [Inclusion.of(*pair) for pair in INCLUSION]
    assert _judged_alike("inclusion", inclusion) == {True: len(inclusion)}
    consistency = [Consistency.of(*pair) for pair in CONSISTENCY]
    assert _judged_alike("consistency", consistency) == {True: len(consistency)}


def test_trap_proofs_of_inclusion_are_refused_by_all() -> None:
    good = Inclusion.of(5, 13)
    path, one = good.hashes, Inclusion.of(0, 1)
    joined = [path[0] + path[1][:1], path[1][1:], *path[2:]]
    cases = [
        good._replace(hashes=path[:-1]),
        good._replace(hashes=path[1:]),
        good._replace(hashes=[]),
        good._replace(hashes=[*path, path[-1]]),
        good._replace(hashes=[*path, EMPTY_ROOT]),
        good._replace(hashes=[path[0], *path]),
        good._replace(hashes=path[::-1]),
        good._replace(hashes=[path[0][:31], *path[1:]]),
        good._replace(hashes=[path[0] + b"\0", *path[1:]]),
        good._replace(hashes=[b"", *path[1:]]),
        good._replace(hashes=[b"", *path]),
        good._replace(hashes=joined),
        good._replace(hashes=path * 30),
        good._replace(leaf=good.leaf[:31]),
        good._replace(leaf=b""),
        good._replace(leaf=good.root, hashes=[]),
        good._replace(root=good.root[:31]),
        good._replace(root=b""),
        good._replace(root=EMPTY_ROOT),
        good._replace(seq=4),
        good._replace(seq=13),
        good._replace(seq=14),
        good._replace(seq=2**63 - 1),
        good._replace(size=0),
        good._replace(size=5),
        good._replace(size=2**63 - 1),
        good._replace(seq=2**63 - 2, size=2**63 - 1),
        one._replace(size=0),
        one._replace(seq=1),
        one._replace(hashes=[one.leaf]),
        Inclusion(0, 0, EMPTY_ROOT, EMPTY_ROOT, []),
        Inclusion(0, 1, bytes(31), bytes(31), []),
        Inclusion(0, 1, b"", b"", []),
    ]
    assert _judged_alike("inclusion", cases) == {False: len(cases)}


def test_trap_proofs_of_consistency_are_refused_by_all() -> None:
    odd, power, same = Consistency.of(6, 13), Consistency.of(8, 13), Consistency.of(13, 13)
    empty = Consistency.of(0, 13)
    cases = []
    for good in (odd, power):
        path = good.hashes
        cases += [
            good._replace(hashes=path[:-1]),
            good._replace(hashes=path[1:]),
            good._replace(hashes=[]),
            good._replace(hashes=[*path, path[-1]]),
            good._replace(hashes=[path[0], *path]),
            good._replace(hashes=[good.old_root, *path]),
            good._replace(hashes=path[::-1] if len(path) > 1 else [EMPTY_ROOT]),
            good._replace(hashes=[path[0][:31], *path[1:]]),
            good._replace(hashes=[path[0] + b"\0", *path[1:]]),
            good._replace(hashes=[b"", *path]),
            good._replace(hashes=path * 30),
            good._replace(old_root=good.new_root),
            good._replace(old_root=EMPTY_ROOT),
            good._replace(old_root=b""),
            good._replace(new_root=good.old_root),
            good._replace(new_root=b""),
            good._replace(old=good.old + 1),
            good._replace(old=0),
            good._replace(old=13),
            good._replace(old=14),
            good._replace(new=good.old),
            good._replace(new=0),
            good._replace(new=2**63 - 1),
            good._replace(old=good.new, new=good.old),
        ]
    cases += [
        same._replace(hashes=[same.new_root]),
        same._replace(old_root=EMPTY_ROOT),
        empty._replace(hashes=[empty.new_root]),
        empty._replace(hashes=[EMPTY_ROOT]),
    ]
    assert _judged_alike("consistency", cases) == {False: len(cases)}


def test_roots_that_are_not_32_bytes_are_refused_by_us_though_equal() -> None:
    """The merkle package compares the roots of two trees of one size, whatever they are."""
    cases = [Consistency(13, 13, root, root, []) for root in (b"", bytes(31), bytes(33))]
    answers = ask("consistency", [case.request() for case in cases])
    assert all(answer["merkle"]["accepted"] for answer in answers)
    for case in cases:
        with pytest.raises(ProofRefused, match="32 bytes"):
            case.verify()


def test_from_an_empty_tree_all_is_growth_but_we_want_the_root_of_an_empty_tree() -> None:
    """What a checkpoint of size 0 claims as its root is of no use to the merkle package."""
    assert _judged_alike("consistency", [Consistency.of(0, 13), Consistency.of(0, 0)]) == {True: 2}
    lying = [
        Consistency(0, 13, our_tree().root(1), our_tree().root(13), []),
        Consistency(0, 0, our_tree().root(1), our_tree().root(1), []),
    ]
    answers = ask("consistency", [case.request() for case in lying])
    assert [answer["merkle"]["accepted"] for answer in answers] == [True, True]
    for case in lying:
        with pytest.raises(ProofRefused, match="differ"):
            case.verify()


def _changed_path(path: Sequence[bytes], chance: random.Random) -> list[bytes]:
    made = list(path)
    kind = chance.randrange(6)
    if kind == 0 or not made:
        made.insert(chance.randint(0, len(made)), chance.choice([*path, EMPTY_ROOT]))
    elif kind == 1:
        made.pop(chance.randrange(len(made)))
    elif kind == 2:
        chance.shuffle(made)
    elif kind == 3:
        place = chance.randrange(len(made))
        bit = 1 << chance.randrange(256)
        made[place] = (int.from_bytes(made[place], "big") ^ bit).to_bytes(32, "big")
    elif kind == 4:
        made[chance.randrange(len(made))] = chance.choice(path)[: chance.choice([0, 31, 32])]
    return made


def test_random_changes_of_proofs_are_judged_alike() -> None:
    chance = random.Random(9162)
    inclusion, consistency = [], []
    for _ in range(3_000):
        size = chance.randint(1, 40)
        case = Inclusion.of(chance.randrange(size), size)
        consistent = Consistency.of(chance.randint(1, size), size)
        if chance.randrange(2):
            # Another size or index may leave the shape of the path as it is.
            case = case._replace(seq=chance.randint(0, 40), size=chance.randint(0, 40))
            consistent = consistent._replace(
                old=chance.randint(1, 40), new=chance.choice([size, chance.randint(1, 40)])
            )
        else:
            case = case._replace(hashes=_changed_path(case.hashes, chance))
            consistent = consistent._replace(hashes=_changed_path(consistent.hashes, chance))
        inclusion.append(case)
        consistency.append(consistent)
    for question, cases in (("inclusion", inclusion), ("consistency", consistency)):
        verdicts = _judged_alike(question, cases)
        assert min(verdicts[True], verdicts[False]) > 100, (question, verdicts)


# Proof files.


def _checkpoint(size: int, origin: str = ORIGIN) -> Checkpoint:
    frontier = Frontier()
    frontier.extend([leaf_hash(record.header) for record in history(SIZE)[:size]])
    return Checkpoint(origin, size, frontier.root())


@cache
def _notes() -> dict[int, bytes]:
    """Checkpoints that Go has signed, by size."""
    sizes = (0, 1, 2, 7, 255, 256, 257, SIZE)
    texts = [_checkpoint(size).text() for size in sizes]
    return dict(zip(sizes, go_signed_all(texts), strict=True))


@cache
def _history_tree() -> OurTree:
    return OurTree([leaf_hash(record.header) for record in history(SIZE)])


def _inclusion(index: int, size: int, *, content: bool = False) -> InclusionProof:
    record = history(SIZE)[index]
    assert record.payload is not None
    leaf = Leaf(record.header, (record.salt, record.payload) if content else None)
    path = proof.inclusion_proof(_history_tree().node, index, size)
    return InclusionProof(leaf, index, tuple(path), _notes()[size])


def _growth(old: int, new: int) -> ConsistencyProof:
    path = proof.consistency_proof(_history_tree().node, old, new)
    return ConsistencyProof(old, tuple(path), _notes()[new])


def _verified_file(data: bytes, old: bytes | None = None) -> bool:
    """Tell whether a file proves something to one who knows `LOG` and, for growth, `old`."""
    try:
        parsed = proof_file.parse(data)
        note.verify(note.parse(parsed.checkpoint), [LOG.verifier])
        if isinstance(parsed, InclusionProof):
            return parsed.verify()[0].origin == ORIGIN
        assert old is not None
        note.verify(note.parse(old), [LOG.verifier])
        return parsed.verify(parse(old)[0]).origin == ORIGIN
    except (CheckpointRefused, ProofRefused):
        return False


def _file_request(data: bytes, old: bytes = b"") -> dict[str, Any]:
    return {"data": data, "origin": ORIGIN, "key": LOG.vkey, "old": old}


def test_their_tlog_proof_reads_and_verifies_our_proof_files() -> None:
    made = [
        _inclusion(index, size, content=content)
        for size in _notes()
        for index in _indices(size)
        for content in (False, True)
    ]
    answers = ask("proof", [_file_request(each.text()) for each in made])
    for each, answer in zip(made, answers, strict=True):
        assert (answer["accepted"], answer["canonical"]) == (True, True), answer
        assert answer["index"] == each.seq
        assert base64.b64decode(answer["header"]) == each.leaf.header


def test_we_read_and_verify_the_proof_files_that_they_write() -> None:
    made = [_inclusion(index, size) for size in _notes() for index in _indices(size)]
    requests = [
        {
            "index": each.seq,
            "hashes": each.hashes,
            "checkpoint": each.checkpoint,
            "extra": each.leaf.encode(),
        }
        for each in made
    ]
    for each, answer in zip(made, ask("write", requests), strict=True):
        data = base64.b64decode(answer["data"])
        assert proof_file.parse(data) == each
        assert _verified_file(data)


def _bad_files() -> dict[str, bytes]:
    good = _inclusion(5, 7)
    text = good.text()
    first, *path = good.hashes
    blob = base64.b64encode(first)
    stranger = Key.of(ORIGIN, "a stranger to all")
    seven = _checkpoint(7)
    elsewhere = go_signed(_checkpoint(7, "other.example").text(), LOG)
    return {
        "a byte at the end": text + b"x",
        "a line at the end": text + b"x\n",
        "an empty line at the end": text + b"\n",
        "the proof twice": text + text,
        "a hash of 31 bytes": text.replace(blob, base64.b64encode(first[:31])),
        "a hash of 33 bytes": text.replace(blob, base64.b64encode(first + b"\0")),
        "no hashes": good._replace(hashes=()).text(),
        "a hash less": good._replace(hashes=tuple(path)).text(),
        "a hash more": good._replace(hashes=(first, first, *path)).text(),
        "an empty tree's checkpoint": good._replace(checkpoint=_notes()[0]).text(),
        "another tree's checkpoint": good._replace(checkpoint=_notes()[255]).text(),
        "a checkpoint of another origin": good._replace(checkpoint=elsewhere).text(),
        "a stranger's checkpoint": good._replace(
            checkpoint=go_signed(seven.text(), stranger)
        ).text(),
        "another root": good._replace(
            checkpoint=go_signed(seven._replace(root=EMPTY_ROOT).text(), LOG)
        ).text(),
        "an altered checkpoint": text.replace(b"\n7\n", b"\n8\n"),
        "another record's header": good._replace(leaf=Leaf(history(SIZE)[4].header)).text(),
        "another index": good._replace(seq=4).text(),
        "an index beyond the tree": good._replace(seq=7).text(),
        "a negative index": text.replace(b"index 5", b"index -5"),
        "no index": text.replace(b"index 5\n", b""),
        "another version": text.replace(b"@v1", b"@v2"),
        "no extra data": text[: text.index(b"extra")] + text[text.index(b"index") :],
        "no checkpoint": text[: text.index(b"\n\n") + 2],
        "empty": b"",
        "the first line alone": b"c2sp.org/tlog-proof@v1\n",
    }


def test_bad_proof_files_are_refused_by_both() -> None:
    files = _bad_files()
    answers = ask("proof", [_file_request(data) for data in files.values()])
    assert {name: _verified_file(data) for name, data in files.items()} == dict.fromkeys(
        files, False
    )
    theirs = {name: answer["accepted"] for name, answer in zip(files, answers, strict=True)}
    assert theirs == dict.fromkeys(files, False)


def test_proof_files_in_another_form_are_refused_by_us_alone() -> None:
    """Theirs reads them, but would write them otherwise; the specification has but one form."""
    text = _inclusion(5, 7).text()
    lines = text.split(b"\n")
    digits = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    hash_line = lines[3]
    other = hash_line[:-2] + digits[digits.index(hash_line[-2]) + 1 :][:1] + b"="
    files = {
        "a leading zero": text.replace(b"index 5", b"index 05"),
        "carriage returns": text.replace(b"\n", b"\r\n"),
        "no last line feed": text[:-1],
        "another base64 of a hash": text.replace(hash_line, other),
    }
    assert base64.b64decode(other) == base64.b64decode(hash_line)
    for data, answer in zip(
        files.values(), ask("proof", [*map(_file_request, files.values())]), strict=True
    ):
        assert (answer["accepted"], answer["canonical"]) == (True, False)
        assert not _verified_file(data)


def test_random_changes_of_a_proof_file_are_judged_alike() -> None:
    chance = random.Random(42)
    texts = [_inclusion(5, 7).text(), _inclusion(255, 257, content=True).text()]
    files = [chance.choice(texts) for _ in range(100)]  # a few unchanged ones too
    files += [changed(chance.choice(texts), chance) for _ in range(3_000)]
    verdicts = Counter[bool]()
    for data, answer in zip(files, ask("proof", [*map(_file_request, files)]), strict=True):
        theirs = answer["accepted"] and answer["canonical"]
        ours = _verified_file(data)
        if theirs and not ours:
            # What we want the extra data to be is not theirs to judge.
            assert _without_extra(data) in map(_without_extra, texts), (data, answer)
        else:
            assert ours == theirs, (data, answer)
        verdicts[ours] += 1
    assert verdicts[True] >= 100
    assert verdicts[False] > 2_000


def _without_extra(data: bytes) -> list[bytes]:
    return [line for line in data.split(b"\n") if not line.startswith(b"extra ")]


def test_growth_files_are_judged_alike() -> None:
    notes = _notes()
    good = _growth(7, 257)
    text, old = good.text(), notes[7]
    elsewhere = go_signed(_checkpoint(7, "other.example").text(), LOG)
    forked = go_signed(_checkpoint(7)._replace(root=sha256().digest()).text(), LOG)
    stranger = go_signed(_checkpoint(7).text(), Key.of(ORIGIN, "a stranger to all"))
    first = base64.b64encode(good.hashes[0])
    cases = {
        f"{before} to {after}": (_growth(before, after).text(), notes[before], True)
        for before in notes
        for after in notes
        if before <= after
    } | {
        "the old checkpoint of another origin": (text, elsewhere, False),
        "a forked old checkpoint": (text, forked, False),
        "an old checkpoint of a stranger": (text, stranger, False),
        "an old checkpoint of another size": (text, notes[2], False),
        "a newer old checkpoint": (text, notes[SIZE], False),
        "the new checkpoint as the old one": (text, notes[257], False),
        "another old size": (text.replace(b"old 7", b"old 6"), old, False),
        "from an empty tree": (text.replace(b"old 7", b"old 0"), notes[0], False),
        "back to an empty tree": (good._replace(checkpoint=notes[0]).text(), old, False),
        "rolled back": (_growth(7, 257)._replace(checkpoint=notes[2]).text(), old, False),
        "a hash of 31 bytes": (
            text.replace(first, base64.b64encode(good.hashes[0][:31])),
            old,
            False,
        ),
        "a hash less": (good._replace(hashes=good.hashes[1:]).text(), old, False),
        "a hash more": (good._replace(hashes=(*good.hashes, EMPTY_ROOT)).text(), old, False),
        "no hashes": (good._replace(hashes=()).text(), old, False),
        "a line at the end": (text + b"x\n", old, False),
        "an altered checkpoint": (text.replace(b"\n257\n", b"\n258\n"), old, False),
    }
    requests = [_file_request(data, before) for data, before, _ in cases.values()]
    answers = dict(zip(cases, ask("growth", requests), strict=True))
    expected = {name: accepted for name, (_, _, accepted) in cases.items()}
    assert {name: answer["accepted"] for name, answer in answers.items()} == expected
    ours = {name: _verified_file(data, before) for name, (data, before, _) in cases.items()}
    assert ours == expected


def test_proof_verify_judges_as_they_do(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "old").write_bytes(_notes()[7])
    files = {"good": _inclusion(5, 7).text(), **_bad_files()}
    # Whose origin it is, the command tells; a key given may sign for any.
    del files["a checkpoint of another origin"]
    statuses = {}
    for name, data in files.items():
        (tmp_path / "proof").write_bytes(data)
        statuses[name] = cli("proof", "verify", "proof", "--key", LOG.vkey).status
    assert statuses == {name: int(name != "good") for name in files}
    grown = {"good": _growth(7, 257), "bad": _growth(7, 257)._replace(hashes=())}
    for name, made in grown.items():
        (tmp_path / "proof").write_bytes(made.text())
        ran = cli("proof", "verify", "proof", "--key", LOG.vkey, "--old", "old")
        assert ran.status == int(name == "bad"), ran.err


def test_what_the_commands_prove_go_verifies(
    cli: Cli, agent: Callable[..., dict[str, Any]], write: Callable[..., Path], tmp_path: Path
) -> None:
    log, signer = ("--log", "file:log"), ("--signer", f"ed25519:{LOG.file(tmp_path)}")
    assert cli("run", write("a.yaml", agent()), *log, "-o", "yaml").status == 0
    created = cli("checkpoint", "create", *log, *signer, "--json").json()
    (tmp_path / "old").write_text(created["checkpoint"])
    assert cli("run", write("b.yaml", agent("other")), *log, "-o", "yaml").status == 0
    assert cli("checkpoint", "create", *log, *signer).status == 0
    ask_for = {"origin": created["origin"], "key": LOG.vkey}
    for arguments in (["0"], ["1", "--payload"]):
        text = cli("proof", "inclusion", *arguments, *log).out
        (answer,) = ask("proof", [ask_for | {"data": text.encode()}])
        assert answer["accepted"], answer
        assert answer["index"] == int(arguments[0])
    text = cli("proof", "consistency", "old", *log).out
    old = (tmp_path / "old").read_bytes()
    (grown,) = ask("growth", [ask_for | {"data": text.encode(), "old": old}])
    assert grown["accepted"], grown
