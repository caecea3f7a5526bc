"""The hook, the settings, and the URLs that name a log."""

from __future__ import annotations

from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any

import pluggy
import pytest
from pydantic import ValidationError

from rynxs import hookspecs
from rynxs.api import ConfigError, SinkPlugin
from rynxs.sources import fixed_sources
from rynxs.testing.histories import history
from rynxs_sink_lmdb import plugin
from rynxs_sink_lmdb.settings import LmdbSettings, parse_url

if TYPE_CHECKING:
    from pathlib import Path


def test_rynxs_sink_is_implemented_and_names_the_lmdb_sink() -> None:
    manager = pluggy.PluginManager("rynxs")
    manager.add_hookspecs(hookspecs)
    manager.register(plugin)
    manager.check_pending()
    (found,) = manager.hook.rynxs_sink()
    assert isinstance(found, SinkPlugin)
    assert (found.name, found.settings, found.parse_url) == ("lmdb", LmdbSettings, parse_url)


def test_the_distribution_offers_the_plugin_as_sink_lmdb() -> None:
    (entry,) = entry_points(group="rynxs", name="sink.lmdb")
    assert entry.load() is plugin
    assert entry.dist is not None
    assert entry.dist.name == "rynxs-sink-lmdb"


def test_the_plugin_opens_a_writer_and_a_reader_of_the_file_that_a_url_names(
    log_path: Path,
) -> None:
    sink = plugin.rynxs_sink()
    settings = sink.settings.model_validate(sink.parse_url(str(log_path)))
    writer = sink.open_writer(settings, fixed_sources(0))
    writer.append(0, history(2))
    reader = sink.open_reader(settings)
    assert list(reader.read()) == list(history(2))
    assert log_path.is_file()
    reader.close()
    writer.close()


@pytest.mark.parametrize(
    ("rest", "settings"),
    [
        ("./log.mdb", {"path": "./log.mdb"}),
        ("/var/lib/log.mdb", {"path": "/var/lib/log.mdb"}),
        ("///var/lib/log.mdb", {"path": "/var/lib/log.mdb"}),
        ("a%20b%3Fc", {"path": "a b?c"}),
        ("log?mapBytesMax=1048576", {"path": "log", "mapBytesMax": 1_048_576}),
        ("log?", {"path": "log"}),
    ],
)
def test_a_url_gives_settings(rest: str, settings: dict[str, Any]) -> None:
    assert parse_url(rest) == settings
    LmdbSettings.model_validate(parse_url(rest))


@pytest.mark.parametrize(
    ("rest", "told"),
    [
        ("", "names no file"),
        ("//", "names a host"),
        ("//localhost/log", "names a host"),
        ("?mapBytesMax=1048576", "names no file"),
        ("log?mapbytesmax=1048576", "unknown setting 'mapbytesmax', allowed is mapBytesMax"),
        ("log?x", "unknown setting 'x'"),
        *(
            (f"log?mapBytesMax={value}", "a number of bytes is expected")
            for value in ("", "-1", "4k", "4096.0", "٤٠٩٦", "1e6", "9" * 5000)
        ),
    ],
)
def test_a_url_that_does_not_name_a_log_is_refused(rest: str, told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        parse_url(rest)


@pytest.mark.parametrize(
    "settings",
    [
        {"path": ""},
        {"path": "a\0b"},
        {"path": 7},
        {"mapBytesMax": 2**20 - 1},
        {"mapBytesMax": 2**46 + 1},
        {"mapBytesMax": "1048576"},
        {"mapBytesMax": True},
        {"map_bytes_max": 2**20},
        {"other": 1},
    ],
)
def test_settings_that_are_not_allowed_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        LmdbSettings.model_validate(settings)


def test_the_defaults_are_those_of_the_readme() -> None:
    assert LmdbSettings().model_dump(by_alias=True) == {
        "path": "rynxs-log.mdb",
        "mapBytesMax": 1_099_511_627_776,
    }


def test_a_log_named_as_the_lock_file_of_another_is_refused() -> None:
    for ending in ("-lock", "-rewrite"):
        with pytest.raises(ValidationError, match=f"ends in {ending}"):
            LmdbSettings.model_validate({"path": f"log.mdb{ending}"})
