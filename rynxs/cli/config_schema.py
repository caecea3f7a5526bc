"""``rynxs config schema``: the JSON Schema of the configuration."""

from __future__ import annotations

from rynxs.cli.options import ConfigOption, JsonOption, configured


def command(config: ConfigOption = None, json: JsonOption = False) -> None:
    """Print the JSON Schema of rynxs.yaml, the settings of the picked plugins included.

    It is JSON with and without --json.
    """
    from rynxs.cli.console import emit
    from rynxs.config import json_schema

    emit(True, json_schema(configured(config)), lambda _: None)
