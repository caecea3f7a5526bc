# ruff: noqa: PT017 - of what is refused, something is promised too
"""Targets: YAML documents, and the manifests in them, as far as plans and the log."""

from __future__ import annotations

import json
import tempfile
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from rynxs.config import Config
from rynxs.documents import dump_documents, parse_documents
from rynxs.embedded.manifests import read_manifests
from rynxs.engine.event import Event
from rynxs.engine.observation import Actor
from rynxs.engine.pipeline import Pipeline
from rynxs.engine.state import State
from rynxs.errors import ManifestError
from rynxs.eventlog.chain import Chain
from rynxs.eventlog.log import Log
from rynxs.plugins import PluginManager
from rynxs.schema import json_schema_of
from rynxs.settings import RawConfig
from rynxs.sources import fixed_sources
from rynxs.testing import MemorySink
from tests.fuzz.target import Target
from tests.fuzz.words import words_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rynxs.embedded.manifests import Found
    from rynxs.engine.composition import Composition

EXAMPLES: Final = Path(__file__).parents[2] / "examples"
ACTOR: Final = Actor("fuzz")
_AT_US: Final = 1_700_000_000_000_000
_YAML: Final = (b"---\n", b"&a ", b"*a", b"<<: *a", b"!!str ", b"!!int ", b"!!float ", b"!!map ")


@cache
def composition() -> Composition:
    """Return the reducers and renderers that are picked by default."""
    return Config(RawConfig(), PluginManager(), "the defaults").composition()


def documents(data: bytes) -> None:
    """A text is refused with its place, or values that are read back as they are written."""
    try:
        found = parse_documents(data, "text")
    except ManifestError as refused:
        assert str(refused).startswith("text:")
        return
    values = [document.value for document in found]
    again = parse_documents(dump_documents(values).encode(), "again")
    assert _text(document.value for document in again) == _text(values)


def _text(values: Any) -> str:
    """Return values as text, in which NaN is NaN and 1.0 is not 1."""
    return json.dumps([*values], sort_keys=True)


def manifests(data: bytes) -> None:
    """A file is refused, or all in it is planned, recorded, and recomputed alike."""
    with tempfile.NamedTemporaryFile(prefix="rynxs-fuzz-", suffix=".yaml") as file:
        file.write(data)
        file.flush()
        try:
            reading = read_manifests([file.name], composition(), "default")
        except ManifestError:
            return
    pipeline, sink = Pipeline(composition(), fixed_sources(_AT_US), "log.example"), MemorySink()
    observe(pipeline, reading.found)
    log = Log.open(sink)
    log.append(pipeline.take_entries())
    assert len(pipeline.acknowledge(log.size)) >= len(pipeline.state.plans)
    state = State(composition())
    for header, record in zip(Chain().verify(sink.records), sink.records, strict=True):
        state.fold(Event.of_record(header, record))
    assert state.digest() == pipeline.state.digest()
    for subject in pipeline.state.live():
        assert state.manifests(subject) == pipeline.manifests(subject)
        assert state.status(subject) == pipeline.status(subject)
        assert state.deadline(subject) == pipeline.state.deadline(subject)


def observe(pipeline: Pipeline, found: Sequence[Found]) -> None:
    """Take in manifests, those of the cluster's scope first."""
    for each in sorted(found, key=lambda each: each.resource.scope):
        pipeline.observe(each.resource, each.manifest, ACTOR)


@cache
def examples() -> tuple[bytes, ...]:
    """Return the shorter ones of the example files."""
    names = ("agent-basic", "session", "universe", "violation", "kill-switch")
    return tuple((EXAMPLES / f"{name}.yaml").read_bytes() for name in names)


def _documents() -> list[bytes]:
    hexadecimal = b"a: 0x" + b"f" * 3_600  # more decimal digits than Python turns into text
    tricky = b"{a: &a {x: 1, y: .5}, b: {<<: *a}, c: [~, yes, 0o17, '1', 1e3, .nan]}"
    return [*examples()[:2], tricky, b"- |\n  text\n- 'it''s'\n---\n? a\n: b\n", hexadecimal]


def _manifests() -> list[bytes]:
    found = [document for text in examples() for document in parse_documents(text, "example")]
    listed = {"apiVersion": "v1", "kind": "List", "items": [each.value for each in found[:2]]}
    as_json = [json.dumps(each.value).encode() for each in found]
    number = b"metadata: {name: a, uid: 0x" + b"f" * 3_600 + b"}"
    return [*examples(), json.dumps(listed).encode(), *as_json, number]


def _words() -> list[bytes]:
    schemas = [json_schema_of(each.spec) for each in composition().resources()]
    return [*_YAML, *words_of(schemas)]


TARGETS: Final = (
    Target("documents", documents, _documents, lambda: _YAML),
    Target("manifests", manifests, _manifests, _words),
)
