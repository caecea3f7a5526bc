"""The names a plugin may import. They change only with the kernel's minor version.

docs/PLUGINS.md explains each; everything else in `rynxs` is the kernel's own affair.
"""

from __future__ import annotations

from rynxs.config import ConfigModel
from rynxs.engine.contracts import Reducer, Renderer, View
from rynxs.engine.event import Event
from rynxs.engine.plan import RETAIN_ANNOTATION
from rynxs.engine.resource import Personal, Resource, SpecModel, Text
from rynxs.engine.subject import Subject, parse_subject
from rynxs.errors import (
    ConfigError,
    KeyFileError,
    RynxsError,
    SinkConflict,
    SinkCorrupt,
    SinkError,
    SinkUnavailable,
)
from rynxs.eventlog.batch import RECORDS_MAX, MalformedBatch, decode_body, encode_body
from rynxs.eventlog.chain import locate_damage
from rynxs.eventlog.note import NoteSigner, NoteVerifier, is_key_name
from rynxs.eventlog.objects import check_expected, check_object_name, is_object_name, version_of
from rynxs.eventlog.record import MalformedHeader, Record, decode_header
from rynxs.eventlog.sink import ABSENT, ANY, Expect, Grouping, Incident, Sink, StoredObject
from rynxs.extension import ReducerPlugin, RendererPlugin, SignerPlugin, SinkPlugin
from rynxs.hookspecs import hookimpl
from rynxs.problems import Problem, problems_of
from rynxs.sources import Sources

__all__ = [
    "ABSENT",
    "ANY",
    "RECORDS_MAX",
    "RETAIN_ANNOTATION",
    "ConfigError",
    "ConfigModel",
    "Event",
    "Expect",
    "Grouping",
    "Incident",
    "KeyFileError",
    "MalformedBatch",
    "MalformedHeader",
    "NoteSigner",
    "NoteVerifier",
    "Personal",
    "Problem",
    "Record",
    "Reducer",
    "ReducerPlugin",
    "Renderer",
    "RendererPlugin",
    "Resource",
    "RynxsError",
    "SignerPlugin",
    "Sink",
    "SinkConflict",
    "SinkCorrupt",
    "SinkError",
    "SinkPlugin",
    "SinkUnavailable",
    "Sources",
    "SpecModel",
    "StoredObject",
    "Subject",
    "Text",
    "View",
    "check_expected",
    "check_object_name",
    "decode_body",
    "decode_header",
    "encode_body",
    "hookimpl",
    "is_key_name",
    "is_object_name",
    "locate_damage",
    "parse_subject",
    "problems_of",
    "version_of",
]
