"""``rynxs log verify``: every record, the tree, and the stored checkpoints."""

from __future__ import annotations

import base64
from contextlib import closing
from typing import TYPE_CHECKING, Any

from rynxs.cli.options import ConfigOption, JsonOption, KeyOption, LogOption, configured

if TYPE_CHECKING:
    from rich.console import Console


def command(
    key: KeyOption = None,
    log: LogOption = None,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Verify the whole log: header form, hash chain, payload hashes, and every stored checkpoint.

    With --key the checkpoints' signatures are checked too.
    """
    from rynxs.cli.console import emit
    from rynxs.cli.keyring import verifiers
    from rynxs.cli.progress import track
    from rynxs.eventlog.audit import Audit
    from rynxs.eventlog.checkpoint import LATEST

    chosen = configured(config, log)
    keys = verifiers(chosen, key)
    with closing(chosen.open_reader()) as sink:
        audit = Audit(sink, keys)
        for _ in track(audit.batches(), sink.size(), "verifying"):
            pass
    result = audit.result()
    document: dict[str, Any] = {
        "checkpoints": [
            {"signedBy": checked.signed_by, "size": checked.size} for checked in result.checkpoints
        ],
        "epoch": result.tip.epoch,
        "head": result.tip.head.hex(),
        "root": base64.b64encode(result.root).decode(),
        "size": result.size,
        "verified": True,
    }

    def show(console: Console) -> None:
        console.print(f"log: {result.size} records verified, epoch {result.tip.epoch}")
        console.print(f"head: {result.tip.head.hex()}")
        console.print(f"root: {document['root']}")
        for checked in result.checkpoints:
            if checked.name == LATEST:  # stands there under its number too
                continue
            signed = (
                f"signed by {', '.join(checked.signed_by)}"
                if checked.signed_by
                else "signature not checked, no --key was given"
            )
            console.print(f"checkpoint of {checked.size}: matches the log, {signed}", markup=False)

    emit(json, document, show)
