"""``rynxs log redact``: erase a record's payload for good, and record that."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from rynxs.cli.options import (
    ClockOption,
    ConfigOption,
    JsonOption,
    LogOption,
    ReasonOption,
    SignerOption,
    configured,
)

if TYPE_CHECKING:
    from rich.console import Console


def command(
    seq: Annotated[int, typer.Argument(metavar="SEQ", min=0, help="The record.")],
    reason: ReasonOption,
    signer: SignerOption = None,
    log: LogOption = None,
    clock: ClockOption = "system",
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Erase the payload of a record and its salt, for good, and record who did so and why.

    What was made from it goes too: the plans until the subject's next observation, and snapshots.
    Headers stay, so chain, tree, checkpoints and proofs still verify. The reason is kept and can't
    be redacted: name nobody in it. Of a log that is signed, this is to be signed too (--signer):
    who verifies with a key believes an erasure only if a signed checkpoint covers its record. The
    same command finishes a redaction that was cut off.

    Refused are a live subject's newest observation, what is under a legal hold, and what the
    configuration or a lock of the storage says is to be kept.
    """
    from rynxs.cli.console import emit, print_warnings
    from rynxs.cli.logs import set_up_logs
    from rynxs.embedded.redact import redact
    from rynxs.sources import parse_sources

    set_up_logs()
    report = redact(configured(config, log, signer), parse_sources(clock), seq, reason)
    if report.is_unsigned:
        told = (
            "this log is signed, and the redaction is not: who verifies with a key believes it "
            f"only once it is signed for; rynxs log redact {seq} again with --signer does that"
        )
        print_warnings([told])
    document = {"redactedBy": report.by, "seqs": report.seqs, "subject": report.subject}

    def show(console: Console) -> None:
        if report.seqs:
            console.print(f"erased: the payload of {', '.join(map(str, report.seqs))}")
        else:
            console.print(f"erased: nothing, the payload of {seq} was erased before")
        console.print(f"recorded: {'before, ' * report.was_recorded}as record {report.by}")

    emit(json, document, show)
