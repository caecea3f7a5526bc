"""Target: the configuration file."""

from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path
from typing import Final

from rynxs.config import Config, json_schema, load_config
from rynxs.documents import dump_documents
from rynxs.errors import ConfigError, ManifestError, PluginError
from rynxs.plugins import PluginManager
from rynxs.settings import RawConfig
from tests.fuzz.target import Target
from tests.fuzz.words import words_of

_REFUSED: Final = (ConfigError, ManifestError, PluginError)


def configuration(data: bytes) -> None:
    """A file is refused, or a configuration that its effective values, written down, are too."""
    with tempfile.NamedTemporaryFile(prefix="rynxs-fuzz-", suffix=".yaml") as file:
        path = Path(file.name)
        path.write_bytes(data)
        try:
            found = load_config(path, _plugins())
            effective = found.effective()
            made = found.composition().as_json()
        except _REFUSED:
            return
        path.write_text(dump_documents([effective]), encoding="utf-8")
        again = load_config(path, _plugins())
        assert again.effective() == effective
        assert again.composition().as_json() == made
        assert again.place() == found.place()


@cache
def _plugins() -> PluginManager:
    return PluginManager()


def _files() -> list[bytes]:
    picked = {"cosigners": ["mldsa44"], "renderers": ["workload", "sandbox"], "sink": "s3"}
    sink = {"bucket": "logs", "endpoint": "http://localhost:9000"}
    terms = {"leaseDuration": "9s", "renewDeadline": "6s", "retryPeriod": "1s"}
    settings = {"sink": sink, "signer": {"keyFile": "a.key"}}
    operator = {"namespaces": ["a"], "leaderElection": {"enabled": True, **terms}}
    values = [
        {"origin": "log.example/a", "plugins": picked, "settings": settings},
        {"operator": operator, "retention": {"floorDays": 3}, "snapshots": {"every": 0}},
        _default().effective(),
    ]
    return [dump_documents([value]).encode() for value in values]


def _default() -> Config:
    return Config(RawConfig(), _plugins(), "the defaults")


def _words() -> list[bytes]:
    return words_of(json_schema(_default()))


TARGETS: Final = (Target("configuration", configuration, _files, _words),)
