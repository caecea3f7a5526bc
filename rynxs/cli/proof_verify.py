"""``rynxs proof verify``: what a proof shows, to whoever has a public key and nothing else."""

from __future__ import annotations

from pathlib import Path
from textwrap import indent
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rynxs.cli.options import ConfigOption, JsonOption, KeyOption, configured

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.console import Console

    from rynxs.eventlog.proof_file import ConsistencyProof, InclusionProof

    Verify = Callable[[bytes], list[str]]


def command(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The proof, or - for stdin.")],
    key: KeyOption = None,
    old: Annotated[
        Path | None,
        typer.Option(
            "--old",
            metavar="CHECKPOINT",
            help="For a consistency proof: the checkpoint kept from before.",
            show_default=False,
        ),
    ] = None,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Verify a proof offline: its checkpoint is signed by a key given, and leads to what it says.

    Nothing else is read: neither the log nor the network.
    """
    from rynxs.cli.console import emit, printable
    from rynxs.cli.keyring import verifiers
    from rynxs.cli.notes import read_file
    from rynxs.errors import UsageError
    from rynxs.eventlog import note
    from rynxs.eventlog.proof_file import PROOF_SIZE_MAX, InclusionProof, parse

    keys = verifiers(configured(config), key)
    if not keys:
        raise UsageError("--key is needed: whose signature is to be believed?")

    def signed_by(data: bytes) -> list[str]:
        return note.verify(note.parse(data), keys)

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


def _inclusion(proof: InclusionProof, signed_by: Verify) -> dict[str, Any]:
    from rynxs.cli.records import as_json
    from rynxs.engine.event import Event
    from rynxs.eventlog.record import Record

    signers = signed_by(proof.checkpoint)
    checkpoint, header = proof.verify()
    salt, payload = proof.leaf.content or (b"", None)
    record = Record(proof.leaf.header, salt, payload)
    content = {} if payload is None else {"payload": Event.of_record(header, record).payload}
    return {
        "proves": "inclusion",
        "origin": checkpoint.origin,
        "record": as_json(header, record) | content,
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
