"""``rynxs crds docs``: the API reference of the picked reducers' kinds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rynxs.cli.options import ConfigOption, JsonOption, configured

if TYPE_CHECKING:
    from rich.console import Console


def command(config: ConfigOption = None, json: JsonOption = False) -> None:
    """Print what objects of each kind may say, field by field, as Markdown.

    It is made from the models of the picked reducers.
    """
    from rynxs.cli.console import emit
    from rynxs.crds.reference import reference

    resources = configured(config).composition().resources()
    text = reference(resources)

    def show(console: Console) -> None:
        console.out(text, end="")

    kinds = [resource.group_kind for resource in resources]
    emit(json, {"kinds": kinds, "markdown": text}, show)
