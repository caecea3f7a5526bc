"""The configuration: ``rynxs.yaml``, every plugin picked by name, every setting checked."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel, Field, PydanticUserError, ValidationError, create_model

from rynxs.documents import read_documents
from rynxs.engine.composition import Component, Composition
from rynxs.errors import ConfigError, PluginError
from rynxs.problems import nearest, problems_of
from rynxs.schema import json_schema_of
from rynxs.settings import ConfigModel, RawConfig

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from rynxs.eventlog.note import SigningKey
    from rynxs.eventlog.sink import Sink
    from rynxs.extension import SignerPlugin, SinkPlugin
    from rynxs.plugins import PluginManager
    from rynxs.settings import OperatorSettings, Retention, Snapshots
    from rynxs.sources import Sources

DEFAULT_FILE = Path("rynxs.yaml")
_NO_FILE = "the command line"
Model = TypeVar("Model", bound=BaseModel)


class Config:
    """A configuration whose plugins are loaded, and whose settings are checked, on first use."""

    def __init__(self, raw: RawConfig, plugins: PluginManager, source: str) -> None:
        """`source` names the file in errors.

        Raises:
            ConfigError: settings stand there for a plugin that is not picked.
        """
        self._raw = raw
        self._plugins = plugins
        self._source = source
        for family in ("reducers", "renderers", "cosigners"):
            picked = getattr(raw.plugins, family)
            for name in getattr(raw.settings, family):
                if name not in picked:
                    raise ConfigError(
                        f"{source}: settings.{family}.{name}: '{name}' is not in plugins.{family} "
                        f"({', '.join(picked) or 'none'}){nearest(name, picked)}"
                    )

    @property
    def origin(self) -> str:
        """The name of a new log."""
        return self._raw.origin

    @property
    def retention(self) -> Retention:
        """What must be kept."""
        return self._raw.retention

    @property
    def snapshots(self) -> Snapshots:
        """When snapshots are taken."""
        return self._raw.snapshots

    @property
    def operator(self) -> OperatorSettings:
        """How the operator works."""
        return self._raw.operator

    def picked(self) -> set[tuple[str, str]]:
        """Return the picked plugins as family and name."""
        picks = self._raw.plugins
        return {
            ("sink", picks.sink),
            *(("reducer", name) for name in picks.reducers),
            *(("renderer", name) for name in picks.renderers),
            *((("signer", picks.signer),) if picks.signer else ()),
            *(("signer", name) for name in picks.cosigners),
        }

    def sink(self) -> SinkPlugin:
        """Return the picked sink.

        Raises:
            PluginError: it is not installed, or does not load.
        """
        try:
            return self._plugins.sink(self._raw.plugins.sink)
        except PluginError as error:
            raise PluginError(f"{self._source}: plugins.sink: {error}") from error

    def signer_scheme(self, name: str | None = None) -> SignerPlugin:
        """Return the signature scheme of a name, by default the picked one.

        Raises:
            ConfigError: none is picked.
            PluginError: it is not installed, or does not load.
        """
        name = name or self._raw.plugins.signer
        if name is None:
            raise ConfigError(f"{self._source}: plugins.signer is null, so no key can be used")
        return self._plugins.signer(name)

    def place(self) -> tuple[str, BaseModel]:
        """Return the picked sink's name and its settings, which together say where a log is."""
        plugin = self.sink()
        return plugin.name, self._sink_settings(plugin)

    def open_writer(self, sources: Sources) -> Sink:
        """Open the configured log for appending."""
        plugin = self.sink()
        return plugin.open_writer(self._sink_settings(plugin), sources)

    def open_reader(self) -> Sink:
        """Open the configured log for reading."""
        plugin = self.sink()
        return plugin.open_reader(self._sink_settings(plugin))

    def signers(self, sources: Sources) -> list[SigningKey]:
        """Return the private keys to sign with, none when no key is configured.

        Raises:
            ConfigError: a cosigner is picked without its key, or without a key of the signer.
        """
        raw = self._raw
        picks = [("settings.signer", name, raw.settings.signer) for name in [raw.plugins.signer]]
        picks += [
            (f"settings.cosigners.{name}", name, raw.settings.cosigners.get(name, {}))
            for name in raw.plugins.cosigners
        ]
        loaded = [self._signing_key(*pick, sources) for pick in picks]
        keys = [key for key in loaded if key is not None]
        if raw.plugins.cosigners and len(keys) < len(picks):
            path, _, _ = picks[loaded.index(None)]
            raise ConfigError(f"{self._source}: {path}: names no key, and each of them has to sign")
        return keys

    def signer_schemes(self) -> Iterator[SignerPlugin]:
        """Yield the picked signature schemes, then those others that are installed and load."""
        picked = [name for name in (self._raw.plugins.signer, *self._raw.plugins.cosigners) if name]
        for name in dict.fromkeys(picked):
            yield self._plugins.signer(name)
        for plugin in self._plugins.installed("signer"):
            if plugin.name not in picked:
                with suppress(PluginError):
                    yield self._plugins.signer(plugin.name)

    def composition(self) -> Composition:
        """Return the picked reducers and renderers, made from their settings."""
        picks, settings = self._raw.plugins, self._raw.settings
        reducers = [
            self._component(self._plugins.reducer(name), settings.reducers, f"reducers.{name}")
            for name in picks.reducers
        ]
        renderers = [
            self._component(self._plugins.renderer(name), settings.renderers, f"renderers.{name}")
            for name in picks.renderers
        ]
        return Composition(reducers, renderers)

    def recorded_composition(self, recorded: Mapping[str, Any]) -> Composition:
        """Return the composition that an epoch recorded, made of the installed plugins.

        Raises:
            PluginError: one of its plugins is not installed.
        """
        parts: dict[str, list[Component]] = {}
        for family in ("reducers", "renderers"):
            load = getattr(self._plugins, family.removesuffix("s"))
            parts[family] = [
                self._component(load(part["name"]), {part["name"]: part["settings"]}, part["name"])
                for part in recorded[family]
            ]
        return Composition(parts["reducers"], parts["renderers"])

    def with_log(self, url: str) -> Config:
        """Return this configuration with the log that a URL names.

        Raises:
            ConfigError: the URL has no scheme, or the sink does not take it.
        """
        name, rest = _split_url(url, "a log", "file:./rynxs-log")
        mine = name == self._raw.plugins.sink
        inherited = self._raw.settings.sink if mine else {}
        settings = {**inherited, **self._plugins.sink(name).parse_url(rest)}
        return self._updated({"sink": name}, {"sink": settings}, self._with(url))

    def with_signers(self, urls: Sequence[str]) -> Config:
        """Return this configuration with the keys that URLs name, such as ``ed25519:./key``.

        The first one is the signer, the others are the cosigners; what is configured counts no
        more.

        Raises:
            ConfigError: a URL names no key, or two cosigners are of one scheme.
        """
        named: list[tuple[str, dict[str, Any]]] = []
        for url in urls:
            name, rest = _split_url(url, "a key", "ed25519:./signing.key")
            if name in [other for other, _ in named[1:]]:
                raise ConfigError(
                    f"{url}: a second cosigner of {name}; beside the signer, there is one a scheme"
                )
            named.append((name, self._plugins.signer(name).parse_url(rest)))
        (name, settings), *others = named
        return self._updated(
            {"signer": name, "cosigners": [other for other, _ in others]},
            {"signer": settings, "cosigners": dict(others)},
            self._with(" ".join(urls)),
        )

    def model(self) -> type[BaseModel]:
        """Return the model of the whole file, the settings of the picked plugins included."""
        picks = self._raw.plugins
        families = {
            "sink": self.sink().settings,
            "reducers": _settings_model("Reducers", picks.reducers, self._plugins.reducer),
            "renderers": _settings_model("Renderers", picks.renderers, self._plugins.renderer),
            "cosigners": _settings_model("Cosigners", picks.cosigners, self._plugins.signer),
        }
        if picks.signer is not None:
            families["signer"] = self.signer_scheme().settings
        settings = _optional_fields("Settings", families)
        return create_model(
            "Config",
            __base__=RawConfig,
            settings=(settings, Field(default_factory=settings)),
        )

    def effective(self) -> dict[str, Any]:
        """Return the whole configuration with every default filled in.

        Raises:
            ConfigError: a setting is unknown or not allowed.
        """
        model = self.model()
        raw = self._raw.model_dump(mode="json", by_alias=True)
        if self._raw.plugins.signer is None:
            raw["settings"].pop("signer")
        checked = self._validated(model, raw, "")
        return checked.model_dump(mode="json", by_alias=True)

    def _component(
        self, plugin: Any, settings: Mapping[str, Mapping[str, Any]], path: str
    ) -> Component:
        checked = self._validated(
            plugin.settings, settings.get(plugin.name, {}), f"settings.{path}"
        )
        made = plugin.create(checked)
        if made.name != plugin.name:
            raise PluginError(f"plugin '{plugin.name}' makes one that calls itself '{made.name}'")
        return Component(made, checked.model_dump(mode="json", by_alias=True))

    def _signing_key(
        self, path: str, name: str | None, settings: Mapping[str, Any], sources: Sources
    ) -> SigningKey | None:
        if name is None:
            return None
        plugin = self._plugins.signer(name)
        return plugin.load_signer(self._validated(plugin.settings, settings, path), sources)

    def _sink_settings(self, plugin: SinkPlugin) -> BaseModel:
        return self._validated(plugin.settings, self._raw.settings.sink, "settings.sink")

    def _validated(self, model: type[BaseModel], value: Mapping[str, Any], path: str) -> BaseModel:
        return _validate(model, value, self._source, tuple(filter(None, path.split("."))))

    def _with(self, given: str) -> str:
        """Return how errors name this configuration together with what was given beside it."""
        return given if self._source == _NO_FILE else f"{self._source} with {given}"

    def _updated(self, picks: dict[str, Any], settings: dict[str, Any], source: str) -> Config:
        raw = self._raw.model_copy(
            update={
                "plugins": self._raw.plugins.model_copy(update=picks),
                "settings": self._raw.settings.model_copy(update=settings),
            }
        )
        return Config(raw, self._plugins, source)


def load_config(path: Path | None, plugins: PluginManager) -> Config:
    """Return the configuration of a file; without one, of ``./rynxs.yaml`` or all defaults.

    Raises:
        ConfigError: the file is missing or not a valid configuration.
    """
    if path is None and not DEFAULT_FILE.exists():
        return Config(RawConfig(), plugins, _NO_FILE)
    source = path or DEFAULT_FILE
    documents = read_documents(source)
    if len(documents) > 1 or not all(isinstance(document.value, dict) for document in documents):
        raise ConfigError(f"{source}: a configuration is one map")
    value = documents[0].value if documents else {}
    return Config(_validate(RawConfig, value, str(source), ()), plugins, str(source))


def json_schema(config: Config) -> dict[str, Any]:
    """Return the JSON Schema of the whole file for the picked plugins.

    Raises:
        PluginError: a picked plugin has a setting that no JSON Schema describes.
    """
    try:
        schema = json_schema_of(config.model())
    except PydanticUserError as error:
        raise PluginError(
            f"a picked plugin has a setting without a JSON Schema: {error.message}; rynxs plugins "
            "check tells of each whether it has one"
        ) from error
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def _validate(
    model: type[Model], value: Mapping[str, Any], source: str, prefix: tuple[str, ...]
) -> Model:
    try:
        return model.model_validate(value)
    except ValidationError as error:
        problems = problems_of(error, model, prefix)
        raise ConfigError("\n".join(f"{source}: {problem}" for problem in problems)) from None


def _split_url(url: str, what: str, example: str) -> tuple[str, str]:
    name, colon, rest = url.partition(":")
    if not colon or not name:
        raise ConfigError(f"{url!r} does not name {what}; expected is <plugin>:..., as {example}")
    return name, rest


def _settings_model(title: str, names: list[str], load: Any) -> type[BaseModel]:
    return _optional_fields(title, {name: load(name).settings for name in names})


def _optional_fields(title: str, models: Mapping[str, type[BaseModel]]) -> type[BaseModel]:
    fields: dict[str, Any] = {
        name: (model, Field(default_factory=model)) for name, model in models.items()
    }
    return create_model(title, __base__=ConfigModel, **fields)
