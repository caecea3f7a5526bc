"""Rows of proofs: signing and proving in a long log, and verifying what is new in it."""

from __future__ import annotations

import subprocess
import sys
from contextlib import closing
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

from benchmarks.appending import SOURCES
from benchmarks.measure import alternate, seconds
from benchmarks.result import (
    INFORMATIVE,
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
    from collections.abc import Sequence

    from rynxs.eventlog.checkpoint import Checkpoint
    from rynxs.eventlog.note import SigningKey
    from rynxs.eventlog.sink import Sink

_SIGN_MS = 20.0
_PROOF_MS = 10.0
_READS = 100.0
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


def inclusion(directory: Path, rounds: int) -> list[Row]:
    """Prove records all over the log, each with tiles that are not in this process yet."""
    figures, reads = [], []
    with closing(file_log(directory).open_reader()) as sink:
        newest = cp.latest(sink)
        assert newest is not None, "signed before"
        size = newest[0].size
        for number in range(rounds):
            tree = Tree(sink, size)
            begin = perf_counter()
            inclusion_proof(tree.node, number * size // rounds, size)
            figures.append((perf_counter() - begin) * 1e3)
            reads.append(float(tree.reads))
    return [
        Row(
            f"inclusion proof at {size:,} records",
            "ms",
            spread(figures),
            bound(_PROOF_MS),
            below(_PROOF_MS, "ms"),
        ),
        Row(
            "reads that it takes",
            "",
            spread(reads),
            bound(_READS),
            Target(f"< {_READS:g}", lambda _value, _ratio: max(reads) < _READS),
        ),
    ]


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
