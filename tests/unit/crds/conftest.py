from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from rynxs.config import Config
from rynxs.crds.schema import read_model
from rynxs.crds.structural import structural
from rynxs.plugins import PluginManager
from rynxs.settings import RawConfig

if TYPE_CHECKING:
    from collections.abc import Callable

    from pydantic import BaseModel

    from rynxs.engine.resource import Resource

    SchemaOf = Callable[[type[BaseModel]], dict[str, Any]]


@pytest.fixture(scope="session")
def kinds() -> list[Resource]:
    """The kinds of the default configuration."""
    return Config(RawConfig(), PluginManager(), "the test").composition().resources()


@pytest.fixture
def schema_of() -> SchemaOf:
    """Make the structural schema of a model."""
    return lambda model: structural(read_model(model, "example.org/Sample", "spec"))
