"""What every plugin promises, of whatever family: the base of the conformance kits."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, ClassVar

import pytest
from pydantic import PydanticUserError, ValidationError

from rynxs.schema import json_schema_of
from rynxs.settings import ConfigModel
from rynxs.testing.hooks import declared, installed_names

if TYPE_CHECKING:
    from collections.abc import Mapping

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]*", re.ASCII)
_UNKNOWN_KEY = "noSuchSettingExists"


class HookConformance:
    """The promises of every plugin's hook.

    Attributes:
        plugin_module: import path of the module that implements the hook.
        family: ``sink``, ``reducer``, ``renderer`` or ``signer``; each kit has its own.
    """

    plugin_module: ClassVar[str] = ""
    family: ClassVar[str]

    @pytest.fixture
    def plugin(self) -> Any:
        """What the hook declares; the hook must be the only one of the module."""
        return declared(self.plugin_module, self.family)

    def test_the_module_implements_its_hook_and_no_other(self, plugin: Any) -> None:
        """The hook declares a plugin by a name that a URL and a configuration can hold."""
        assert _NAME.fullmatch(plugin.name), (
            f"the name {plugin.name!r} must be lower-case letters, digits, '-' and '_'"
        )

    def test_its_entry_point_bears_its_name(self, plugin: Any) -> None:
        """Where the module is installed, it is picked by the name that it declares."""
        names = installed_names(self.plugin_module)
        wanted = f"{self.family}.{plugin.name}"
        assert set(names) <= {wanted}, (
            f"the entry point must be called '{wanted}'; installed as {names}"
        )


class PluginConformance(HookConformance):
    """The promises of plugins that are made of settings alone.

    Attributes:
        settings: raw settings to make the plugin with, as they stand in ``rynxs.yaml``.
    """

    settings: ClassVar[Mapping[str, Any]] = {}

    def test_its_settings_refuse_an_unknown_key(self, plugin: Any) -> None:
        """A key that means nothing is refused, so that a slip is told."""
        refuse_unknown_key(plugin.settings, self.settings)

    def test_its_settings_have_a_json_schema(self, plugin: Any) -> None:
        """``rynxs config schema`` shows it."""
        model = plugin.settings
        try:
            json_schema_of(model)
        except PydanticUserError as error:
            raise AssertionError(f"{model.__name__} must have a JSON Schema: {error}") from None

    def test_its_settings_survive_being_recorded(self, plugin: Any) -> None:
        """The start of an epoch records them, and replay makes the plugin of the record."""
        checked = plugin.settings.model_validate(self.settings)
        recorded = checked.model_dump(mode="json", by_alias=True)
        try:
            again = plugin.settings.model_validate(recorded)
        except ValidationError as error:
            raise AssertionError(
                f"{plugin.settings.__name__} must take what it is recorded as, {recorded}: {error}"
            ) from None
        assert again == checked, f"recorded as {recorded}, the settings become {again}"


def refuse_unknown_key(model: type[ConfigModel], settings: Mapping[str, Any]) -> None:
    """Demand that a model of settings takes the settings, and not with a key that it lacks."""
    assert issubclass(model, ConfigModel), (
        f"the model {model.__name__} must be derived from rynxs.api.ConfigModel"
    )
    model.model_validate(settings)
    try:
        model.model_validate({**settings, _UNKNOWN_KEY: 1})
    except ValidationError:
        return
    raise AssertionError(f"{model.__name__} must refuse the key {_UNKNOWN_KEY!r}")
