"""Where the logs of a sink under check are made."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from rynxs.errors import ConfigError, SinkUnavailable
from rynxs.problems import problems_of
from rynxs.sources import system_sources
from rynxs.testing.hooks import declared

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from rynxs.testing.check.promise import Order

FRESH = "{}"


def log_settings(order: Order, place: Path) -> Mapping[str, Any]:
    """Return the settings of a log that is not there yet.

    Args:
        order: says where logs may be made.
        place: a path at which nothing is, for a sink that keeps files.

    Raises:
        ConfigError: the sink does not take what follows its name in the URL.
    """
    rest = str(place) if order.log is None else order.log.replace(FRESH, secrets.token_hex(8))
    settings: dict[str, Any] = declared(order.module, order.family).parse_url(rest)
    return settings


def make_a_log(order: Order, place: Path) -> None:
    """Make a log, to see whether any can be made. What else goes wrong the kit will tell.

    Raises:
        ConfigError: the URL is not one of the sink's.
        SinkUnavailable: the medium can't be used.
    """
    try:
        plugin = declared(order.module, order.family)
        settings = plugin.settings.model_validate(log_settings(order, place))
        plugin.open_writer(settings, system_sources()).close()
    except SinkUnavailable:
        raise
    except ConfigError as error:
        raise ConfigError(f"{error}{_hint(order)}") from None
    except ValidationError as error:
        problems = problems_of(error, plugin.settings, ("settings", "sink"))
        raise ConfigError("\n".join(map(str, problems)) + _hint(order)) from None
    except Exception:
        return


def _hint(order: Order) -> str:
    if order.log is not None:
        return ""
    return f"\nsay by --log URL where logs may be made, with {FRESH} where their names are to stand"
