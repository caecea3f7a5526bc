"""``rynxs replay``: the state at a point of the log, recomputed from its records."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rynxs.cli.options import ConfigOption, JsonOption, LogOption, configured

if TYPE_CHECKING:
    from rich.console import Console

    from rynxs.embedded.replay import LogReplay


def command(
    at: Annotated[
        int | None,
        typer.Option("--at", min=0, help="The last record to replay.", show_default="the newest"),
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Recompute every plan and compare it with the log.")
    ] = False,
    log: LogOption = None,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Verify the log, recompute its state, and print the state's digest.

    The reducers and renderers are those that the log names, with the settings it records.
    """
    from rynxs.cli.console import emit, table
    from rynxs.cli.progress import track
    from rynxs.embedded.replay import LogReplay
    from rynxs.errors import UsageError

    chosen = configured(config, log)
    with closing(chosen.open_reader()) as sink:
        size = sink.size()
        # Without a stop the reader also tells of an end that fails.
        replaying = LogReplay(sink, chosen, None if at is None else at + 1)
        batches = replaying.check() if check else replaying.fold()
        total = size * (replaying.passes if check else 1)
        for _ in track(batches, total, "replaying"):
            pass
    replay = replaying.replay
    if at is not None and at >= replay.state.size:
        raise UsageError(f"--at {at}: the log holds {replay.state.size} records")
    document = _document(replaying, check)

    def show(console: Console) -> None:
        console.print(f"replayed: {replay.state.size} records, epoch {replay.state.epoch}")
        console.print(f"state: {document['stateDigest']}")
        rows = table("SUBJECT", "MANIFEST", "SHA-256")
        for subject in document["subjects"]:
            for entry in subject["manifests"] or [{"id": "", "digest": ""}]:
                rows.add_row(subject["subject"], entry["id"], entry["digest"][:12])
        console.print(rows)
        if check:
            console.print(f"plans: {replaying.compared} recomputed, all as recorded")
        for part in document["incomparable"]:
            console.print(
                f"not compared: {len(part['seqs'])} plans; needs {', '.join(part['needs'])}",
                markup=False,
            )

    emit(json, document, show)


def _document(replaying: LogReplay, check: bool) -> dict[str, Any]:
    state = replaying.replay.state
    plans = {subject: list(planned.entries.values()) for subject, planned in state.plans.items()}
    return {
        "epoch": state.epoch,
        "incomparable": [
            {"needs": part.needs, "seqs": part.seqs} for part in replaying.incomparable()
        ],
        "origin": state.origin,
        "plansCompared": replaying.compared if check else None,
        "size": state.size,
        "stateDigest": state.digest(),
        "subjects": [
            {"manifests": plans.get(subject, []), "subject": subject} for subject in state.live()
        ],
    }
