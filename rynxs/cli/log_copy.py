"""``rynxs log copy``: backup, restore and migration between any two sinks."""

from __future__ import annotations

import base64
from contextlib import ExitStack, closing
from typing import TYPE_CHECKING, Annotated

import typer

from rynxs.cli.options import ConfigOption, JsonOption, KeyOption, configured

if TYPE_CHECKING:
    from rich.console import Console

    from rynxs.eventlog.sink import Sink


def command(
    source: Annotated[
        str, typer.Argument(metavar="SRC", help="The log to read, as file:./rynxs-log.")
    ],
    destination: Annotated[
        str,
        typer.Argument(metavar="DST", help="Where to: nothing yet, or what a copy left there."),
    ],
    key: KeyOption = None,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Copy a log into another sink, of any kind: for backup, restore and migration.

    Records and checkpoints are copied byte for byte. The source is verified as it passes, with
    --key its signatures too, and nothing is copied from the first bad record on. The destination
    is read back and verified at the end. One that holds the first records of the source is gone on
    with, so a copy that was cut off, or an older one, is finished by the same command; one with any
    other history is refused and left as it is. Payloads that the source has redacted are not
    copied, and a destination that has them from earlier loses them. A writer may go on appending to
    the source: what it held at the start is copied, and of what came later perhaps a part.
    """
    from rynxs.cli.console import emit
    from rynxs.cli.keyring import trusted
    from rynxs.cli.logs import set_up_logs
    from rynxs.cli.progress import track
    from rynxs.errors import UsageError
    from rynxs.eventlog.copy import DESTINATION, SOURCE, Copy, naming
    from rynxs.sources import system_sources

    if source == destination:
        raise UsageError(f"{source}: is source and destination; name another place to copy to")
    set_up_logs()
    chosen = configured(config)
    trust = trusted(chosen, key)
    # Both from the configuration, so that neither inherits a setting from the other's URL.
    from_log, to_log = chosen.with_log(source), chosen.with_log(destination)
    with ExitStack() as opened:
        with naming(SOURCE):
            reader = opened.enter_context(closing(from_log.open_reader()))
        with naming(DESTINATION):
            writer = opened.enter_context(closing(to_log.open_writer(system_sources())))
        _tell_incidents(writer)
        copying = Copy(reader, writer, trust)
        for _ in track(copying.records(), reader.size(), "copying"):
            pass
        for _ in track(copying.objects(), copying.object_count, "copying objects"):
            pass
        for _ in copying.erase():
            pass
        for _ in track(copying.read_back(), writer.size(), "verifying"):
            pass
    result = copying.result()
    document = {
        "checkpointsCopied": result.checkpoints,
        "head": result.head.hex(),
        "objectsCopied": result.objects,
        "payloadsErased": result.erased,
        "recordsCopied": result.copied,
        "recordsFound": result.found,
        "root": base64.b64encode(result.root).decode(),
        "size": result.size,
        "verified": True,
    }

    def show(console: Console) -> None:
        console.print(
            f"log: {result.copied} records copied, {result.found} were there, "
            f"{result.size} verified in {destination}",
            markup=False,
        )
        if result.erased:
            console.print(f"redacted: {result.erased} payloads erased in the destination")
        console.print(f"head: {document['head']}")
        console.print(f"root: {document['root']}")
        checked = (
            "signatures checked" if trust.keys else "signatures not checked, no --key was given"
        )
        console.print(f"checkpoints: {result.checkpoints} copied, {checked}")

    emit(json, document, show)


def _tell_incidents(writer: Sink) -> None:
    """Warn of an end that was set aside where the copy goes on; of older ones a copy has told."""
    import structlog

    size = writer.size()
    for incident in writer.incidents():
        if incident.seq >= size:
            structlog.get_logger("rynxs.copy").warning(
                "unacknowledged end of the destination set aside", **incident._asdict()
            )
