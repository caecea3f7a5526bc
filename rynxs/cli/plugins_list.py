"""``rynxs plugins list``: what is installed, and whether it loads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rynxs.cli.options import ConfigOption, JsonOption, configured

if TYPE_CHECKING:
    from rich.console import Console


def command(config: ConfigOption = None, json: JsonOption = False) -> None:
    """List the installed plugins: which are picked, and which do not load and why."""
    from rynxs.cli.console import emit, printable, table
    from rynxs.errors import PluginError
    from rynxs.plugins import PluginManager

    picked = configured(config).picked()
    manager = PluginManager()
    rows: list[dict[str, Any]] = []
    for plugin in manager.installed():
        try:
            manager.load(plugin)
            problem = None
        except PluginError as error:
            problem = str(error)
        rows.append(
            {
                "distribution": plugin.distribution,
                "family": plugin.family,
                "name": plugin.name,
                "picked": (plugin.family, plugin.name) in picked,
                "problem": problem,
                "version": plugin.version,
            }
        )

    def show(console: Console) -> None:
        shown = table("FAMILY", "NAME", "VERSION", "DISTRIBUTION", "PICKED", "PROBLEM")
        for row in rows:
            shown.add_row(
                row["family"],
                row["name"],
                row["version"],
                row["distribution"],
                "yes" if row["picked"] else "",
                printable(row["problem"] or ""),
            )
        console.print(shown)

    emit(json, {"plugins": rows}, show)
