"""``rynxs plugins new``: a plugin's distribution to start from."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from rynxs.cli.options import JsonOption

if TYPE_CHECKING:
    from rich.console import Console

    from rynxs.scaffold.names import Names

_SAMPLES = {"reducer": " --manifests FILE", "renderer": " --manifests FILE"}


def command(
    family: Annotated[
        Literal["sink", "reducer", "renderer", "signer"],
        typer.Argument(metavar="sink|reducer|renderer|signer", help="What it is to be."),
    ],
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="As users will pick it, such as my-disk.")
    ],
    directory: Annotated[
        Path | None,
        typer.Option(
            "--directory",
            metavar="DIR",
            help="Where to put it; default is ./rynxs-FAMILY-NAME.",
            show_default=False,
        ),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Write a distribution with a plugin that works, its conformance test and its README.

    It is an example to change: installed, it can be used at once, and passes the kit of its
    family. The folder must be new or empty.
    """
    from rynxs.cli.console import emit, print_warnings
    from rynxs.scaffold.distribution import render, write
    from rynxs.scaffold.names import check_name

    names = check_name(family, name)
    folder = directory or Path(names.distribution)
    texts = render(names)
    write(texts, folder)
    warnings = _taken(names)
    print_warnings(warnings)
    document = {
        "directory": str(folder),
        "distribution": names.distribution,
        "files": list(texts),
        "plugin": names.entry_point,
        "warnings": warnings,
    }

    def show(console: Console) -> None:
        for path in texts:
            console.print(str(folder / path), markup=False)
        console.print("\nnext:")
        for line in (
            f"pip install --editable {shlex.quote(f'{folder.absolute()}[test]')}",
            f"pytest {shlex.quote(str(folder))}",
            f"rynxs plugins check {names.entry_point}{_SAMPLES.get(family, '')}",
        ):
            console.print(f"  {line}", markup=False)

    emit(json, document, show)


def _taken(names: Names) -> list[str]:
    """Return a warning if a plugin of that name is installed."""
    from rynxs.plugins import PluginManager

    return [
        f"{plugin} is installed; of one name only one can be, so call yours otherwise"
        for plugin in PluginManager().installed(names.family)
        if plugin.name.replace("_", "-") == names.label
    ]
