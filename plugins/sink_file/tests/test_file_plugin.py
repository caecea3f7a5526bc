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
from rynxs_sink_file import plugin
from rynxs_sink_file.settings import FileSettings, parse_url

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from rynxs.api import Record


def test_rynxs_sink_is_implemented_and_names_the_file_sink() -> None:
    manager = pluggy.PluginManager("rynxs")
    manager.add_hookspecs(hookspecs)
    manager.register(plugin)
    manager.check_pending()
    (found,) = manager.hook.rynxs_sink()
    assert isinstance(found, SinkPlugin)
    assert (found.name, found.settings, found.parse_url) == ("file", FileSettings, parse_url)


def test_the_distribution_offers_the_plugin_as_sink_file() -> None:
    (entry,) = entry_points(group="rynxs", name="sink.file")
    assert entry.load() is plugin
    assert entry.dist is not None
    assert entry.dist.name == "rynxs-sink-file"


def test_the_plugin_opens_a_writer_that_names_its_identity_and_a_reader(
    tmp_path: Path, extend: Callable[..., list[Record]]
) -> None:
    sink = plugin.rynxs_sink()
    settings = sink.settings.model_validate(sink.parse_url(str(tmp_path / "log")))
    writer = sink.open_writer(settings, fixed_sources(0))
    assert b'"fixed"' in (tmp_path / "log" / "LOCK").read_bytes()
    records = extend(writer, [2])
    assert list(sink.open_reader(settings).read()) == records
    writer.close()


@pytest.mark.parametrize(
    ("rest", "settings"),
    [
        ("./rynxs-log", {"path": "./rynxs-log"}),
        ("/var/lib/log", {"path": "/var/lib/log"}),
        ("///var/lib/log", {"path": "/var/lib/log"}),
        ("a%20b%3Fc", {"path": "a b?c"}),
        ("log?segmentBytes=4096", {"path": "log", "segmentBytes": 4096}),
        ("log?", {"path": "log"}),
    ],
)
def test_a_url_gives_settings(rest: str, settings: dict[str, Any]) -> None:
    assert parse_url(rest) == settings
    FileSettings.model_validate(parse_url(rest))


@pytest.mark.parametrize(
    ("rest", "told"),
    [
        ("", "names no directory"),
        ("//", "names a host"),
        ("//localhost/log", "names a host"),
        ("?segmentBytes=4096", "names no directory"),
        ("log?segmentbytes=4096", "unknown setting 'segmentbytes', allowed is segmentBytes"),
        ("log?x", "unknown setting 'x'"),
        *(
            (f"log?segmentBytes={value}", "a number of bytes is expected")
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
        {"segmentBytes": 4095},
        {"segmentBytes": "4096"},
        {"segmentBytes": True},
        {"segment_bytes": 4096},
        {"other": 1},
    ],
)
def test_settings_that_are_not_allowed_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        FileSettings.model_validate(settings)


def test_a_url_can_not_smuggle_in_a_path_that_no_file_can_have() -> None:
    with pytest.raises(ValidationError):
        FileSettings.model_validate(parse_url("log%00"))


def test_the_defaults_are_those_of_the_readme() -> None:
    assert FileSettings().model_dump(by_alias=True) == {
        "path": "rynxs-log",
        "segmentBytes": 67_108_864,
    }
