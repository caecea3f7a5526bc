"""The hook: the sink named ``file``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rynxs.api import SinkPlugin, hookimpl
from rynxs_sink_file.settings import FileSettings, parse_url

if TYPE_CHECKING:
    from rynxs.api import Sink, Sources


@hookimpl
def rynxs_sink() -> SinkPlugin:
    """Return the file sink."""
    return SinkPlugin(
        name="file",
        settings=FileSettings,
        parse_url=parse_url,
        open_writer=_open_writer,
        open_reader=_open_reader,
    )


def _open_writer(settings: FileSettings, sources: Sources) -> Sink:
    from rynxs_sink_file.writer import FileWriter

    return FileWriter(settings, sources.identity)


def _open_reader(settings: FileSettings) -> Sink:
    from rynxs_sink_file.reader import FileReader

    return FileReader(settings)
