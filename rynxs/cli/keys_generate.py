"""``rynxs keys generate``: a new signing key in a file that only its owner can read."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rynxs.cli.options import ClockOption, ConfigOption, JsonOption, configured

if TYPE_CHECKING:
    from rich.console import Console

_SEED_SIZE = 32


def command(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Where to put the private key.")],
    name: Annotated[
        str | None,
        typer.Option(
            "--name", help="The key's name in signatures.", show_default="the log's origin"
        ),
    ] = None,
    cosigner: Annotated[
        bool,
        typer.Option(
            "--cosigner",
            help="A key that cosigns checkpoints of logs, with the time; needs --name.",
        ),
    ] = False,
    scheme: Annotated[
        str | None,
        typer.Option(
            "--scheme", help="The signer plugin, as mldsa44.", show_default="the configured one"
        ),
    ] = None,
    clock: ClockOption = "system",
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Make a signing key and print its public part, the vkey, which also goes to FILE.pub.

    An existing file is never overwritten, and the private key is never printed. A log's key and a
    cosigner's are two kinds: the one says what the log holds, the other when that was seen.
    """
    from rynxs.cli.console import emit
    from rynxs.errors import KeyFileError, UsageError
    from rynxs.sources import parse_sources

    chosen = configured(config)
    plugin = chosen.signer_scheme(scheme)
    generate = plugin.generate_cosigner if cosigner else plugin.generate
    if generate is None:
        raise UsageError(f"--cosigner: the signer '{plugin.name}' has no keys that cosign")
    if cosigner and not name:
        raise UsageError("--cosigner needs --name, such as witness.example/w1: who is it?")
    seed = parse_sources(clock).entropy.token(_SEED_SIZE)
    private, vkey = generate(name or chosen.origin, seed)
    if not file.name:
        raise KeyFileError(f"{file}: not the name of a file")
    public_file = file.with_name(f"{file.name}.pub")
    _create(file, f"{private}\n", 0o600)
    try:
        _create(public_file, f"{vkey}\n", 0o644)
    except BaseException:
        file.unlink()
        raise

    def show(console: Console) -> None:
        console.print(vkey, markup=False)

    emit(json, {"privateKeyFile": str(file), "publicKeyFile": str(public_file), "vkey": vkey}, show)


def _create(file: Path, text: str, mode: int) -> None:
    """Create a file durably; never overwrite one."""
    from rynxs.errors import KeyFileError

    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    except FileExistsError:
        raise KeyFileError(f"{file}: exists already, and a key is never overwritten") from None
    except OSError as error:
        raise KeyFileError(f"{file}: {error.strerror}") from None
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as opened:
            opened.write(text)
            opened.flush()
            os.fsync(opened.fileno())
    except OSError as error:
        file.unlink()
        raise KeyFileError(f"{file}: {error.strerror}") from None
