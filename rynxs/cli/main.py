"""The ``rynxs`` command: its sub-commands, and what an error looks like.

Exit status: 0 done, 1 the log does not verify or differs, 2 usage, 3 the sink is unavailable,
70 a defect of rynxs or of a plugin, 130 interrupted.
"""

from __future__ import annotations

import io
import os
import sys
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.exceptions import Abort, TyperException

from rynxs import __version__
from rynxs.cli import (
    checkpoint_cosign,
    checkpoint_create,
    checkpoint_show,
    checkpoint_verify,
    config_schema,
    config_show,
    crds_docs,
    crds_generate,
    keys_generate,
    keys_rotate,
    keys_show,
    log_copy,
    log_hold,
    log_list,
    log_redact,
    log_release,
    log_rotate,
    log_show,
    log_snapshot,
    log_tail,
    log_verify,
    log_why,
    operator,
    plugins_check,
    plugins_list,
    plugins_new,
    proof_consistency,
    proof_inclusion,
    proof_verify,
    replay,
    report,
    run,
)
from rynxs.cli.console import ClosedOutput
from rynxs.cli.failures import failure_of, is_debugging
from rynxs.errors import OutputError

if TYPE_CHECKING:
    from collections.abc import Callable

EXIT_INTERRUPTED = 130


_COMMANDS: dict[str, Callable[..., None]] = {
    "run": run.command,
    "operator": operator.command,
    "replay": replay.command,
    "report": report.command,
}
_GROUPS: tuple[tuple[str, str, dict[str, Callable[..., None]]], ...] = (
    (
        "log",
        "Read, verify, copy, redact and rotate a log.",
        {
            "list": log_list.command,
            "show": log_show.command,
            "verify": log_verify.command,
            "tail": log_tail.command,
            "copy": log_copy.command,
            "why": log_why.command,
            "snapshot": log_snapshot.command,
            "redact": log_redact.command,
            "hold": log_hold.command,
            "release": log_release.command,
            "rotate": log_rotate.command,
        },
    ),
    (
        "checkpoint",
        "Sign, cosign, verify and show checkpoints.",
        {
            "create": checkpoint_create.command,
            "cosign": checkpoint_cosign.command,
            "verify": checkpoint_verify.command,
            "show": checkpoint_show.command,
        },
    ),
    (
        "proof",
        "Prove to others what is in a log, and verify such proofs.",
        {
            "inclusion": proof_inclusion.command,
            "consistency": proof_consistency.command,
            "verify": proof_verify.command,
        },
    ),
    (
        "keys",
        "Make, show and replace signing keys.",
        {
            "generate": keys_generate.command,
            "show": keys_show.command,
            "rotate": keys_rotate.command,
        },
    ),
    (
        "plugins",
        "See what is installed, check it, and start a plugin of your own.",
        {
            "list": plugins_list.command,
            "new": plugins_new.command,
            "check": plugins_check.command,
        },
    ),
    (
        "config",
        "See the configuration and its schema.",
        {"show": config_show.command, "schema": config_schema.command},
    ),
    (
        "crds",
        "Make CustomResourceDefinitions and an API reference from the reducers' models.",
        {"generate": crds_generate.command, "docs": crds_docs.command},
    ),
)


def _asked() -> str:
    """Return the first word of the command line if that names a command or a group, else none."""
    first = "".join(sys.argv[1:2])
    return first if first in {*_COMMANDS, *(name for name, _, _ in _GROUPS)} else ""


@cache
def _command(asked: str) -> Callable[..., Any]:
    """Return what runs a command line that begins with a name, or without one, any.

    To make a command out of its function takes longer than many commands do.
    """
    application = typer.Typer(
        name="rynxs",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,  # plain help comes up in half the time
        help="A Kubernetes operator for AI agents that is deterministic, replayable and auditable.",
    )
    application.callback()(_root)
    for name, command in _COMMANDS.items():
        if asked in ("", name):
            application.command(name)(command)
    for name, summary, commands in _GROUPS:
        if asked in ("", name):
            application.add_typer(_group(name, summary, commands))
    return typer.main.get_command(application)


def _group(name: str, summary: str, commands: dict[str, Callable[..., None]]) -> typer.Typer:
    group = typer.Typer(name=name, help=summary, no_args_is_help=True, rich_markup_mode=None)
    for command_name, command in commands.items():
        group.command(command_name)(command)
    return group


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"rynxs {__version__}")
        raise typer.Exit


def _root(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Show the version and exit."
        ),
    ] = False,
) -> None:
    pass


def main() -> None:
    """Run the command line and exit."""
    sys.exit(invoke())


def invoke() -> int:
    """Run the command line and return its exit status."""
    _make_streams_usable()
    try:
        status = _command(_asked())(standalone_mode=False)
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else int(bool(stop.code))
    except (Abort, KeyboardInterrupt):
        return EXIT_INTERRUPTED
    except Exception as error:
        if is_debugging():
            raise
        return _told(error)
    return status if isinstance(status, int) else 0


def _make_streams_usable() -> None:
    """Replace closed streams, and write what a stream can't encode as escapes.

    What takes a closed stream's place holds its number too, so that no log is opened as one.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        stream = getattr(sys, name)
        if stream is None:
            place = open(os.devnull, mode, encoding="utf-8")  # noqa: PTH123, SIM115
            setattr(sys, name, ClosedOutput(place) if name == "stdout" else place)
        elif mode == "w" and isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _told(error: Exception) -> int:
    """Print an error and return its exit status."""
    from rynxs.cli.console import EXIT_BROKEN_PIPE, output, print_error, print_usage_error

    if isinstance(error, OSError) and error.errno is not None and error.filename is None:
        try:  # sinks translate theirs: what names no file is of standard output
            with output():
                raise error
        except SystemExit as stop:
            return EXIT_BROKEN_PIPE if stop.code else 0
        except OutputError as failure:
            error = failure
    if isinstance(error, TyperException):
        print_usage_error(error)
        return error.exit_code
    message, exit_code = failure_of(error)
    print_error(message, exit_code)
    return exit_code
