"""``rynxs plugins check``: whether an installed plugin keeps what its family promises."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from rynxs.cli.options import ConfigOption, JsonOption

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from rynxs.plugins import Installed, PluginManager
    from rynxs.testing.check.promise import Order, Promise

_STYLES = {"passed": ("pass", "green"), "failed": ("FAIL", "bold red"), "skipped": ("skip", "dim")}


def command(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="family.name, as sink.file, or just the name.")
    ],
    log: Annotated[
        str | None,
        typer.Option(
            "--log",
            metavar="URL",
            help="Of a sink: where logs may be made, as 's3://bucket/check/{}'; {} becomes a fresh "
            "name for each. They are left there. Default is a temporary directory.",
            show_default=False,
        ),
    ] = None,
    manifests: Annotated[
        list[str] | None,
        typer.Option(
            "--manifests",
            metavar="FILE",
            help="Of a reducer or renderer: sample objects, files or directories. May be repeated.",
            show_default=False,
        ),
    ] = None,
    kills: Annotated[
        int, typer.Option("--kills", min=1, help="Of a sink: how often a writer is killed.")
    ] = 20,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Run the conformance kit of its family on an installed plugin; needs pytest.

    Each promise passes, fails and why, or is skipped where it does not apply: that failing I/O
    loses nothing is tested by a plugin's own tests, which know its calls. Reducers and renderers
    have the settings that the configuration gives them; with them work the installed plugins that
    they can't do without. The exit status is 1 if a promise fails.
    """
    from rynxs.cli.console import emit
    from rynxs.plugins import PluginManager
    from rynxs.testing.check.orders import Given, order_of

    manager = PluginManager()
    plugin = _find(name, manager)
    _need_pytest()
    order = order_of(plugin, manager, Given(log, kills, manifests or (), config))
    promises = _judged(order)
    document = {
        "distribution": plugin.distribution,
        "notes": list(order.notes),
        "plugin": f"{plugin.family}.{plugin.name}",
        "promises": [promise._asdict() for promise in promises],
        "version": plugin.version,
    }
    emit(json, document, lambda console: _show(console, plugin, promises, order.notes))
    if any(promise.outcome == "failed" for promise in promises):
        raise typer.Exit(1)


def _find(name: str, manager: PluginManager) -> Installed:
    """Return the installed plugin of a name, with or without its family."""
    from rynxs.errors import PluginError, UsageError
    from rynxs.problems import nearest

    installed = {f"{plugin.family}.{plugin.name}": plugin for plugin in manager.installed()}
    if name in installed:
        return installed[name]
    full = [each for each, plugin in installed.items() if plugin.name == name]
    if len(full) > 1:
        raise UsageError(f"NAME: '{name}' is {' and '.join(full)}; name one of them in full")
    if full:
        return installed[full[0]]
    names = {*installed, *(plugin.name for plugin in installed.values())}
    raise PluginError(
        f"NAME: no plugin '{name}' is installed; installed are: "
        f"{', '.join(installed) or 'none'}{nearest(name, names)}"
    )


def _need_pytest() -> None:
    from importlib.util import find_spec

    from rynxs.errors import UsageError

    if find_spec("pytest") is None:
        raise UsageError("the kits need pytest, which is not installed; run: pip install pytest")


def _judged(order: Order) -> list[Promise]:
    """Return what came of every promise; shows on a terminal how far it is."""
    from rynxs.cli.progress import track
    from rynxs.testing.check.running import running

    with running(order) as run:
        one_by_one = ((promise,) for promise in run.promises())
        return [promise for (promise,) in track(one_by_one, run.total, "checking")]


def _show(
    console: Console, plugin: Installed, promises: list[Promise], notes: Sequence[str]
) -> None:
    from rich.text import Text

    from rynxs.cli.console import one_line, printable

    console.print(f"{plugin}\n", markup=False)
    for promise in promises:
        word, style = _STYLES[promise.outcome]
        console.print(Text.assemble((f"{word}  ", style), one_line(promise.name)))
        for line in printable(promise.message).splitlines():
            console.print(Text(f"      {line}"))
    counts = {word: sum(each.outcome == word for each in promises) for word in _STYLES}
    told = ", ".join(f"{count} {outcome}" for outcome, count in counts.items() if count)
    console.print(f"\n{len(promises)} promises: {told}")
    for note in notes:
        console.print(f"note: {printable(note)}", markup=False)
