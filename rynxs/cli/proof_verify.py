"""``rynxs proof verify``: what a proof shows, to whoever has a public key and nothing else."""

from __future__ import annotations

from pathlib import Path
from textwrap import indent
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rynxs.cli.options import ConfigOption, JsonOption, KeyOption, RequireOption, configured

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.console import Console

    from rynxs.eventlog.proof_file import ConsistencyProof, InclusionProof
    from rynxs.eventlog.trust import Trust

    Verify = Callable[[bytes], list[str]]


def command(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The proof, or - for stdin.")],
    key: KeyOption = None,
    require: RequireOption = None,
    old: Annotated[
        Path | None,
        typer.Option(
            "--old",
            metavar="CHECKPOINT",
            help="For a consistency proof: the checkpoint kept from before.",
            show_default=False,
        ),
    ] = None,
    origin: Annotated[
        str | None,
        typer.Option(
            "--origin",
            metavar="NAME",
            help="The log that it has to be of.",
            show_default="the one that a key is named after",
        ),
    ] = None,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Verify a proof offline: its checkpoint is signed by a key given, and leads to what it says.

    A key vouches for the log that it is named after; --origin names one that is called otherwise.
    Nothing else is read: neither the log nor the network.
    """
    from rynxs.cli.console import emit, printable
    from rynxs.cli.keyring import trusted
    from rynxs.cli.notes import read_file
    from rynxs.errors import UsageError
    from rynxs.eventlog.proof_file import PROOF_SIZE_MAX, InclusionProof, parse

    trust = trusted(configured(config), key, require)
    if not trust.keys:
        raise UsageError("--key is needed: whose signature is to be believed?")

    def signed_by(data: bytes) -> list[str]:
        return _signed_by(data, trust, origin)

    proof = parse(read_file(file, PROOF_SIZE_MAX))
    if isinstance(proof, InclusionProof):
        if old is not None:
            raise UsageError("--old is for a consistency proof, this one proves an inclusion")
        document = _inclusion(proof, signed_by)
    else:
        document = _consistency(proof, old, signed_by)

    def show(console: Console) -> None:
        for name, value in document.items():
            console.print(f"{name}: {printable(_shown(value))}", markup=False)

    emit(json, document, show)


def _signed_by(data: bytes, trust: Trust, origin: str | None) -> list[str]:
    """Return whose signatures of a checkpoint count.

    Raises:
        CheckpointRefused: they are too few, or it is of another log than the one asked for.
    """
    from rynxs.errors import CheckpointRefused
    from rynxs.eventlog import checkpoint as cp
    from rynxs.eventlog import note
    from rynxs.eventlog.trust import KnownKeys

    checkpoint, signed = cp.parse(data)
    by = note.signed_by(signed, trust.keys)
    names = KnownKeys(trust).judge(checkpoint.size, signed, by, trust.required)
    if checkpoint.origin not in (names if origin is None else [origin]):
        wanted = origin or f"{', '.join(names)}; if it is the right one, say so with --origin"
        raise CheckpointRefused(f"the checkpoint is of log {checkpoint.origin!r}, not of {wanted}")
    return names


def _inclusion(proof: InclusionProof, signed_by: Verify) -> dict[str, Any]:
    from rynxs.cli.records import header_as_json
    from rynxs.engine.event import Event
    from rynxs.eventlog.record import Record, leaf_hash

    signers = signed_by(proof.checkpoint)
    checkpoint, header = proof.verify()
    content = {}
    if proof.leaf.content is not None:
        record = Record(proof.leaf.header, *proof.leaf.content)
        content = {"payload": Event.of_record(header, record).payload}
    return {
        "proves": "inclusion",
        "origin": checkpoint.origin,
        "record": header_as_json(header, leaf_hash(proof.leaf.header)) | content,
        "signedBy": signers,
        "size": checkpoint.size,
        "verified": True,
    }


def _consistency(proof: ConsistencyProof, old: Path | None, signed_by: Verify) -> dict[str, Any]:
    from rynxs.cli.notes import read_note
    from rynxs.errors import UsageError
    from rynxs.eventlog.checkpoint import parse

    if old is None:
        raise UsageError("a consistency proof is verified with --old, the checkpoint kept before")
    older = read_note(old)
    signed_by(older)
    signers = signed_by(proof.checkpoint)
    new = proof.verify(parse(older)[0])
    return {
        "proves": "consistency",
        "origin": new.origin,
        "oldSize": proof.old,
        "signedBy": signers,
        "size": new.size,
        "verified": True,
    }


def _shown(value: object) -> str:
    from rynxs.documents import dump_documents

    if isinstance(value, dict):
        return "\n" + indent(dump_documents([value]).removeprefix("---\n").rstrip(), "  ")
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
