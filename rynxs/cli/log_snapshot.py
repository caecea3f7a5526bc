"""``rynxs log snapshot``: keep the state as it is now, for replay to start from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rynxs.cli.options import ClockOption, ConfigOption, JsonOption, LogOption, configured

if TYPE_CHECKING:
    from rich.console import Console


def command(
    log: LogOption = None,
    clock: ClockOption = "system",
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Take a snapshot of the state, and record its digest in the log.

    Replay starts from the newest one that fits, and gives the same answer without it. The newest
    two are kept. No proof rests on a snapshot: log verify and replay --check never read one.
    """
    from rynxs.cli.console import emit
    from rynxs.cli.logs import set_up_logs
    from rynxs.embedded.snapshots import take
    from rynxs.embedded.turn import turn
    from rynxs.engine.snapshot import object_name
    from rynxs.errors import UsageError
    from rynxs.sources import parse_sources

    set_up_logs()
    with turn(configured(config, log), parse_sources(clock)) as opened:
        if not opened.log.size:
            raise UsageError("the log is empty, there is nothing to keep")
        taken = take(opened.pipeline, opened.log, opened.sink)
        opened.commit()
    name = object_name(taken.size)
    document = {
        "digest": taken.digest,
        "name": name,
        "recordedBy": taken.size,
        "size": taken.size,
        "stored": taken.stored,
    }

    def show(console: Console) -> None:
        console.print(f"snapshot: {taken.size} records, {taken.stored:,} bytes, {name}")
        console.print(f"sha-256: {taken.digest}, recorded as record {taken.size}")

    emit(json, document, show)
