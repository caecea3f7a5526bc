"""Rows of proofs: signing and proving in a long log, and verifying what is new in it."""

from __future__ import annotations

import subprocess
import sys
from contextlib import closing, contextmanager
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

from benchmarks.appending import SOURCES
from benchmarks.measure import alternate, in_turn, seconds
from benchmarks.peers import PYMERKLE, is_installed
from benchmarks.result import (
    INFORMATIVE,
    Peer,
    Row,
    Target,
    at_least,
    at_most,
    below,
    bound,
    spread,
)
from benchmarks.workload import BATCH, ORIGIN, entries, file_log, items, take
from rynxs.eventlog import checkpoint as cp
from rynxs.eventlog.audit import Audit
from rynxs.eventlog.log import Log
from rynxs.eventlog.proof import inclusion_proof
from rynxs.eventlog.publication import publish
from rynxs.eventlog.resume import chain_at, chain_signed_by
from rynxs.eventlog.tiles import Tree

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from benchmarks.peer_pymerkle import Leaves
    from rynxs.eventlog.checkpoint import Checkpoint
    from rynxs.eventlog.note import SigningKey
    from rynxs.eventlog.sink import Sink

_SIGN_MS = 20.0
_PROOF_MS = 10.0
_READS = 100.0
_PEER_PROOFS = 5
_MEMORY_MIB = 150.0
_NEW = 10
_TAIL = 10_000


def key(directory: Path) -> list[SigningKey]:
    """Make a key in a file, and return it as commands that sign do."""
    file = directory / "signing.key"
    log = file_log(directory / "unused")
    private, _ = log.signer_scheme().generate(ORIGIN, bytes(32))
    file.write_text(f"{private}\n")
    file.chmod(0o600)
    return list(log.with_signers([f"ed25519:{file}"]).signers(SOURCES))


def first_publication(directory: Path, keys: Sequence[SigningKey]) -> Row:
    """Sign a log for the first time, which makes all its tiles."""
    with closing(file_log(directory).open_writer(SOURCES)) as sink:
        log = Log.open(sink)
        made = log.checkpoint(ORIGIN)
        signed = cp.sign(made, keys)
        took = seconds(lambda: publish(sink, made, signed))
    name = f"make all tiles of a log of {made.size:,} records, durably, for its first checkpoint"
    return Row(name, "s", bound(took), None, INFORMATIVE)


def signing(directory: Path, keys: Sequence[SigningKey], rounds: int) -> Row:
    """Sign again after some new records, from what is stored; the signature is not counted."""
    source = items()
    figures = []
    size = 0
    for _ in range(rounds):
        with closing(file_log(directory).open_writer(SOURCES)) as sink:
            Log.open(sink).append(entries(take(source, _NEW)))
            took, size = _sign_ms(sink, keys)
        figures.append(took)
    name = f"sign a checkpoint at {size:,} records, {_NEW} of them new, beyond the signature"
    return Row(name, "ms", spread(figures), bound(_SIGN_MS), below(_SIGN_MS, "ms"))


def inclusion(directory: Path, rounds: int) -> Iterator[Row]:
    """Prove records all over the log, each with tiles that are not in this process yet.

    The peer has the same leaves in a tree that it opens anew for each proof. That takes it so long
    that it proves a few only. In a last row both keep what they have read.
    """
    with closing(file_log(directory).open_reader()) as sink:
        newest = cp.latest(sink)
        assert newest is not None, "signed before"
        size = newest[0].size
        indexes = [number * size // rounds for number in range(rounds)]
        reads: list[float] = []

        def prove_ms(index: int) -> float:
            tree = Tree(sink, size)
            took = seconds(lambda: inclusion_proof(tree.node, index, size))
            reads.append(float(tree.reads))
            return took * 1e3

        anew = spread(list(map(prove_ms, indexes)))
        with _leaves(directory.with_name("leaves.db"), sink, newest[0]) as leaves:
            few = indexes[:: max(1, rounds // _PEER_PROOFS)]
            peer = Peer(
                PYMERKLE, spread([_anew_ms(leaves, i, size) for i in few]) if leaves else None
            )
            yield Row(
                f"inclusion proof at {size:,} records",
                "ms",
                anew,
                bound(_PROOF_MS),
                below(_PROOF_MS, "ms"),
                (peer,),
            )
            yield Row(
                "reads that it takes",
                "",
                spread(reads),
                bound(_READS),
                Target(f"< {_READS:g}", lambda _value, _ratio: max(reads) < _READS),
            )
            yield _kept(Tree(sink, size), leaves, indexes)


@contextmanager
def _leaves(path: Path, sink: Sink, checkpoint: Checkpoint) -> Iterator[Leaves | None]:
    """Make a peer's tree of a log's leaves; None if it is not installed."""
    if not is_installed(PYMERKLE):
        yield None
        return
    from benchmarks.peer_pymerkle import Leaves

    with closing(Leaves(path)) as leaves:
        leaves.add(record.header for record in sink.read(0, checkpoint.size))
        assert leaves.root() == checkpoint.root, "it is the same tree"
        yield leaves


def _anew_ms(leaves: Leaves, index: int, size: int) -> float:
    with closing(leaves.opened_anew()) as anew:
        return seconds(lambda: anew.prove(index, size)) * 1e3


def _kept(tree: Tree, leaves: Leaves | None, indexes: list[int]) -> Row:
    """Prove the same records again and again, with trees that have read what that takes."""

    def prover(prove: Callable[[int], object]) -> Callable[[], float]:
        for index in indexes:
            prove(index)
        upcoming = iter(indexes)
        return lambda: seconds(lambda: prove(next(upcoming))) * 1e3

    size = tree.size
    takes = [prover(lambda index: inclusion_proof(tree.node, index, size))]
    if leaves is not None:
        takes.append(prover(lambda index: leaves.prove(index, size)))
    ours, *figures = in_turn(len(indexes), *takes)
    peer = Peer(PYMERKLE, figures[0] if figures else None)
    name = f"inclusion proof at {size:,} records, what it takes read before"
    return Row(name, "ms", ours, None, INFORMATIVE, (peer,))


def verify_from(long: Path, short: Path, keys: Sequence[SigningKey], rounds: int) -> Row:
    """Verify what is new in a long and in a short log since a checkpoint of the same tail."""
    checkpoints = [_with_tail(directory, keys) for directory in (long, short)]

    def verify(directory: Path, checkpoint: Checkpoint) -> float:
        with closing(file_log(directory).open_reader()) as sink:
            return seconds(lambda: _audit_from(sink, checkpoint)) * 1e3

    pair = alternate(
        rounds, lambda: verify(long, checkpoints[0]), lambda: verify(short, checkpoints[1])
    )
    sizes = [checkpoint.size for checkpoint in checkpoints]
    name = (
        f"verify {_TAIL:,} records that follow a checkpoint of {sizes[0]:,}; limit: of {sizes[1]:,}"
    )
    return Row(name, "ms", pair.ours, pair.limit, at_most(1.2))


def shared_verify(directory: Path, rounds: int) -> list[Row]:
    """Verify with the command, in one process and in two."""

    def verify(jobs: int) -> float:
        return _command(directory, jobs)[0]

    pair = alternate(rounds, lambda: 1 / verify(2), lambda: 1 / verify(1))
    peaks = [_command(directory, 2)[1] for _ in range(rounds)]
    return [
        Row(
            "log verify in two processes; limit: in one", "/s", pair.ours, pair.limit, at_least(1.6)
        ),
        Row(
            "memory of log verify in two processes, together, at its peak",
            "MiB",
            spread(peaks),
            bound(_MEMORY_MIB),
            below(_MEMORY_MIB, "MiB"),
        ),
    ]


def _sign_ms(sink: Sink, keys: Sequence[SigningKey]) -> tuple[float, int]:
    """Sign a log; return the milliseconds it takes beyond the signature, and the size."""
    begin = perf_counter()
    log = Log(sink, chain_signed_by(sink, keys))
    for _ in log.history():
        pass
    made = log.checkpoint(ORIGIN)
    signing_begins = perf_counter()
    signed = cp.sign(made, keys)
    signing_took = perf_counter() - signing_begins
    publish(sink, made, signed)
    return (perf_counter() - begin - signing_took) * 1e3, made.size


def _with_tail(directory: Path, keys: Sequence[SigningKey]) -> Checkpoint:
    """Sign a log as it is, append to it, and return the checkpoint."""
    source = items()
    with closing(file_log(directory).open_writer(SOURCES)) as sink:
        log = Log.open(sink)
        made = log.checkpoint(ORIGIN)
        publish(sink, made, cp.sign(made, keys))
        for _ in range(_TAIL // BATCH):
            log.append(entries(take(source)))
        log.save()
    return made


def _audit_from(sink: Sink, checkpoint: Checkpoint) -> None:
    for _ in Audit(sink, [], chain_at(sink, checkpoint)).batches():
        pass


def _command(directory: Path, jobs: int) -> tuple[float, float]:
    """Run ``rynxs log verify``; return its seconds, and the MiB of all its processes."""
    command = [sys.executable, "-m", "benchmarks.command_peak", str(directory), str(jobs)]
    root = Path(__file__).parents[1]
    output = subprocess.run(command, cwd=root, check=True, capture_output=True, text=True).stdout
    took, peak = output.split()[-2:]
    return float(took), float(peak)
