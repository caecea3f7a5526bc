"""The options that commands share, and the session that they describe."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rynxs.config import Config

LogOption = Annotated[
    str | None,
    typer.Option(
        "--log",
        metavar="URL",
        help="The log, as file:./rynxs-log; default is the configured one.",
        show_default=False,
    ),
]
ConfigOption = Annotated[
    Path | None,
    typer.Option(
        "--config",
        metavar="FILE",
        envvar="RYNXS_CONFIG",
        help="The configuration; default is ./rynxs.yaml if it is there.",
        show_default=False,
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")]
KeyOption = Annotated[
    list[str] | None,
    typer.Option(
        "--key",
        metavar="VKEY",
        help="A public key, name+id+base64, or a file that holds one. May be repeated.",
        show_default=False,
    ),
]
SignerOption = Annotated[
    str | None,
    typer.Option(
        "--signer",
        metavar="URL",
        help="The key to sign with, as ed25519:./signing.key; default is the configured one.",
        show_default=False,
    ),
]
ProofOutOption = Annotated[
    Path | None,
    typer.Option(
        "--out",
        metavar="FILE",
        help="Write the proof to a new file; default is standard output.",
        show_default=False,
    ),
]
ClockOption = Annotated[
    str,
    typer.Option(
        "--clock",
        metavar="CLOCK",
        help="'system', or 'fixed:TIME' for reproducible runs: fixes identity and entropy too.",
    ),
]


def configured(
    config_file: Path | None, log: str | None = None, signer: str | None = None
) -> Config:
    """Return the configuration that the options ask for."""
    from rynxs.config import load_config
    from rynxs.plugins import PluginManager

    config = load_config(config_file, PluginManager())
    if log is not None:
        config = config.with_log(log)
    if signer is not None:
        config = config.with_signer(signer)
    return config
