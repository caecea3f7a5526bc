"""The names a plugin may import. They change only with the kernel's minor version.

docs/PLUGINS.md explains each; everything else in `rynxs` is the kernel's own affair.
"""

from __future__ import annotations

from rynxs.engine.admission import ACCEPTED, admit, condition, head_of
from rynxs.engine.contracts import Occasion, Reducer, Renderer, View
from rynxs.engine.event import Event
from rynxs.engine.plan import RETAIN_ANNOTATION
from rynxs.engine.resource import (
    Column,
    Personal,
    Resource,
    SpecModel,
    StatusModel,
    Text,
    rules,
)
from rynxs.engine.subject import Subject, parse_subject
from rynxs.errors import (
    ConfigError,
    KeyFileError,
    RynxsError,
    SinkConflict,
    SinkCorrupt,
    SinkError,
    SinkUnavailable,
    SinkUnfinished,
)
from rynxs.eventlog.batch import (
    ERASED,
    PRESENT,
    RECORDS_MAX,
    MalformedBatch,
    decode_body,
    decode_rows,
    encode_body,
    encode_rows,
)
from rynxs.eventlog.chain import locate_damage
from rynxs.eventlog.cosignature import (
    CosignatureVerifier,
    Cosigner,
    ed25519_statement,
    subtree_statement,
)
from rynxs.eventlog.note import NoteVerifier, SigningKey, is_key_name
from rynxs.eventlog.objects import check_expected, check_object_name, is_object_name, version_of
from rynxs.eventlog.record import MalformedHeader, Record, decode_header
from rynxs.eventlog.sink import (
    ABSENT,
    ANY,
    Expect,
    Grouping,
    Incident,
    Sink,
    StoredObject,
    check_positions,
)
from rynxs.eventlog.vkey import (
    KeyText,
    check_key_name,
    format_private_key,
    format_vkey,
    key_id_of,
    parse_private_key,
    parse_vkey,
)
from rynxs.extension import ReducerPlugin, RendererPlugin, SignerPlugin, SinkPlugin
from rynxs.hookspecs import hookimpl
from rynxs.keyfile import read_private_key
from rynxs.problems import Problem, problems_of
from rynxs.settings import ConfigModel
from rynxs.sources import Sources

__all__ = [
    "ABSENT",
    "ACCEPTED",
    "ANY",
    "ERASED",
    "PRESENT",
    "RECORDS_MAX",
    "RETAIN_ANNOTATION",
    "Column",
    "ConfigError",
    "ConfigModel",
    "CosignatureVerifier",
    "Cosigner",
    "Event",
    "Expect",
    "Grouping",
    "Incident",
    "KeyFileError",
    "KeyText",
    "MalformedBatch",
    "MalformedHeader",
    "NoteVerifier",
    "Occasion",
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
    "SigningKey",
    "Sink",
    "SinkConflict",
    "SinkCorrupt",
    "SinkError",
    "SinkPlugin",
    "SinkUnavailable",
    "SinkUnfinished",
    "Sources",
    "SpecModel",
    "StatusModel",
    "StoredObject",
    "Subject",
    "Text",
    "View",
    "admit",
    "check_expected",
    "check_key_name",
    "check_object_name",
    "check_positions",
    "condition",
    "decode_body",
    "decode_header",
    "decode_rows",
    "ed25519_statement",
    "encode_body",
    "encode_rows",
    "format_private_key",
    "format_vkey",
    "head_of",
    "hookimpl",
    "is_key_name",
    "is_object_name",
    "key_id_of",
    "locate_damage",
    "parse_private_key",
    "parse_subject",
    "parse_vkey",
    "problems_of",
    "read_private_key",
    "rules",
    "subtree_statement",
    "version_of",
]
