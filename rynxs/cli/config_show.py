"""``rynxs config show``: the configuration in force."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rynxs.cli.options import ConfigOption, JsonOption, LogOption, SignerOption, configured

if TYPE_CHECKING:
    from rich.console import Console


def command(
    log: LogOption = None,
    signer: SignerOption = None,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Show the whole configuration with every default filled in, as YAML."""
    from rynxs.cli.console import emit
    from rynxs.documents import dump_documents

    effective = configured(config, log, signer).effective()

    def show(console: Console) -> None:
        console.out(dump_documents([effective]), end="")

    emit(json, effective, show)
