"""What a plugin's hook returns: its name, the model of its settings, and how to make the thing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from pydantic import BaseModel

    from rynxs.engine.contracts import Reducer, Renderer
    from rynxs.eventlog.note import NoteVerifier, SigningKey
    from rynxs.eventlog.sink import Sink
    from rynxs.sources import Sources

ENTRY_POINT_GROUP = "rynxs"
FAMILIES = ("sink", "reducer", "renderer", "signer")


@dataclass(frozen=True)
class SinkPlugin:
    """A sink to pick by name.

    Attributes:
        name: as in the configuration, and the scheme of the URLs that name its logs.
        settings: model of ``settings.sink``.
        parse_url: returns settings from what follows ``name:`` in a URL; raises `ConfigError`.
        open_writer: opens for appending, making the log if it is not there.
        open_reader: opens an existing log without writing anything, beside a live writer too.
    """

    name: str
    settings: type[BaseModel]
    parse_url: Callable[[str], dict[str, Any]]
    open_writer: Callable[[Any, Sources], Sink]
    open_reader: Callable[[Any], Sink]


@dataclass(frozen=True)
class ReducerPlugin:
    """A reducer to pick by name.

    Attributes:
        name: as in the configuration.
        settings: model of ``settings.reducers.NAME``; recorded at the start of every epoch.
        create: makes the reducer.
    """

    name: str
    settings: type[BaseModel]
    create: Callable[[Any], Reducer]


@dataclass(frozen=True)
class RendererPlugin:
    """A renderer to pick by name.

    Attributes:
        name: as in the configuration.
        settings: model of ``settings.renderers.NAME``; recorded at the start of every epoch.
        create: makes the renderer.
    """

    name: str
    settings: type[BaseModel]
    create: Callable[[Any], Renderer]


@dataclass(frozen=True)
class SignerPlugin:
    """A signature scheme to pick by name.

    Attributes:
        name: as in the configuration, and the scheme of the URLs that name its keys.
        key_types: first bytes of the keys in its vkeys (https://c2sp.org/signed-note, signature
            types); a vkey given on the command line finds its plugin by them.
        settings: model of ``settings.signer``.
        parse_url: returns settings from what follows ``name:`` in a URL; raises `ConfigError`.
        load_signer: returns the private key that the settings name, None when they name none; what
            it signs bears the time of the sources' clock, if any; raises `KeyFileError`.
        parse_verifier: returns the key of a vkey (https://c2sp.org/signed-note); raises
            `KeyFileError`.
        generate: makes a key from a name and 32 random bytes; returns the private key's text and
            the vkey; raises `KeyFileError` for a name that no note could hold.
        public_key: returns the vkey of a private key's text; raises `KeyFileError`.
        generate_cosigner: like `generate`, for a key that makes timestamped cosignatures
            (https://c2sp.org/tlog-cosignature); None if the scheme has no such keys.
    """

    name: str
    key_types: frozenset[int]
    settings: type[BaseModel]
    parse_url: Callable[[str], dict[str, Any]]
    load_signer: Callable[[Any, Sources], SigningKey | None]
    parse_verifier: Callable[[str], NoteVerifier]
    generate: Callable[[str, bytes], tuple[str, str]]
    public_key: Callable[[str], str]
    generate_cosigner: Callable[[str, bytes], tuple[str, str]] | None = None
