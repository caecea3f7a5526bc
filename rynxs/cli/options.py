"""The options that commands share, and the session that they describe."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Sequence

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
RequireOption = Annotated[
    int | None,
    typer.Option(
        "--require",
        metavar="N",
        min=1,
        help="So many of the keys given must have signed the newest checkpoint; default is 1.",
        show_default=False,
    ),
]
SignerOption = Annotated[
    list[str] | None,
    typer.Option(
        "--signer",
        metavar="URL",
        help="A key to sign with, as ed25519:./signing.key; default are the configured ones. "
        "May be repeated: then all sign.",
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
ReasonOption = Annotated[
    str,
    typer.Option("--reason", metavar="TEXT", help="Why; it is recorded, and stays for good."),
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
    config_file: Path | None, log: str | None = None, signers: Sequence[str] | None = None
) -> Config:
    """Return the configuration that the options ask for."""
    from rynxs.config import load_config
    from rynxs.plugins import PluginManager

    config = load_config(config_file, PluginManager())
    if log is not None:
        config = config.with_log(log)
    if signers:
        config = config.with_signers(signers)
    return config
