"""The hook: the sink named ``lmdb``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rynxs.api import SinkPlugin, hookimpl
from rynxs_sink_lmdb.settings import LmdbSettings, parse_url

if TYPE_CHECKING:
    from rynxs.api import Sink, Sources


@hookimpl
def rynxs_sink() -> SinkPlugin:
    """Return the LMDB sink."""
    return SinkPlugin(
        name="lmdb",
        settings=LmdbSettings,
        parse_url=parse_url,
        open_writer=_open_writer,
        open_reader=_open_reader,
    )


def _open_writer(settings: LmdbSettings, sources: Sources) -> Sink:
    from rynxs_sink_lmdb.writer import LmdbWriter

    return LmdbWriter(settings)


def _open_reader(settings: LmdbSettings) -> Sink:
    from rynxs_sink_lmdb.reader import LmdbReader

    return LmdbReader(settings)
