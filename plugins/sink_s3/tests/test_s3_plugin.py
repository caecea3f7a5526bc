"""The hook, the entry point, and the README's table of settings."""

from __future__ import annotations

import re
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pluggy
import pytest

from rynxs import hookspecs
from rynxs.api import SinkPlugin, SinkUnavailable
from rynxs.testing.histories import history
from rynxs_sink_s3 import plugin
from rynxs_sink_s3.batch_object import key_of
from rynxs_sink_s3.settings import ObjectLock, S3Settings, parse_url

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo

    from tests.conftest import MemoryS3, S3Log

README = Path(__file__).parents[1] / "README.md"
ROW = re.compile(r"^\| `([A-Za-z.]+)` \| ?([^|]*?) ?\|", re.MULTILINE)


def test_rynxs_sink_is_implemented_and_names_the_s3_sink() -> None:
    manager = pluggy.PluginManager("rynxs")
    manager.add_hookspecs(hookspecs)
    manager.register(plugin)
    manager.check_pending()
    (found,) = manager.hook.rynxs_sink()
    assert isinstance(found, SinkPlugin)
    assert (found.name, found.settings, found.parse_url) == ("s3", S3Settings, parse_url)


def test_the_distribution_offers_the_plugin_as_sink_s3() -> None:
    (entry,) = entry_points(group="rynxs", name="sink.s3")
    assert entry.load() is plugin
    assert entry.dist is not None
    assert entry.dist.name == "rynxs-sink-s3"


def _shown(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    return "" if field.default in {None, ""} else f"`{field.default}`"


def test_the_readme_lists_every_setting_with_its_default() -> None:
    fields = {str(field.alias): field for field in S3Settings.model_fields.values()}
    del fields["objectLock"]
    for field in ObjectLock.model_fields.values():
        fields[f"objectLock.{field.alias}"] = field
    section = README.read_text().partition("\n## Settings\n")[2].partition("\n## ")[0]
    table = dict(ROW.findall(section))
    assert table == {name: "" if "." in name else _shown(field) for name, field in fields.items()}


def test_two_writers_with_one_clock_and_one_entropy_differ_in_their_ids(
    memory_log: S3Log, memory_s3: MemoryS3
) -> None:
    objects = []
    for _ in range(2):
        memory_log.writer().append(0, history(3))
        objects.append(memory_log.get(key_of(0)))
        memory_s3.objects.clear()
    ids = [data[24:40] for data in objects]
    assert ids[0] != ids[1]
    rest = [data[:24] + data[40:44] + data[48:] for data in objects]
    assert rest[0] == rest[1]


@pytest.mark.parametrize("opening", ["writer", "reader"])
def test_connections_are_closed_with_the_log_and_when_it_does_not_open(
    opening: str, memory_log: S3Log, memory_s3: MemoryS3, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed: list[Any] = []
    memory_log.fill([1])
    monkeypatch.setattr(memory_s3, "close", lambda: closed.append(True))
    log = getattr(memory_log, opening)()
    assert not closed
    log.close()
    log.close()
    assert len(closed) >= 1
    closed.clear()
    monkeypatch.setattr(memory_s3, "list_objects_v2", _refuse)
    with pytest.raises(SinkUnavailable):
        getattr(memory_log, opening)()
    assert len(closed) == 1


def _refuse(**request: Any) -> Any:
    raise OSError("the line is cut")
