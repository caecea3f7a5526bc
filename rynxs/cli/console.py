"""What commands print: a document for machines or a view for people, errors on standard error."""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from rich.console import Console
    from rich.table import Table

EXIT_BROKEN_PIPE = 141
_PIPED_WIDTH = 200


def emit(json_wanted: bool, document: Mapping[str, Any], show: Callable[[Console], None]) -> None:
    """Print a command's result: as one JSON document, or for people by calling `show`."""
    try:
        if json_wanted:
            print_json(document)
        else:
            show(console())
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader has gone, as `head` does; what is still buffered must not be flushed at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(EXIT_BROKEN_PIPE) from None


def print_json(document: Mapping[str, Any]) -> None:
    """Print one JSON document on standard output."""
    sys.stdout.write(json.dumps(document, indent=2, ensure_ascii=False) + "\n")


def console() -> Console:
    """Return the console on standard output; wide enough not to cut when it is no terminal."""
    from rich.console import Console

    width = None if sys.stdout.isatty() else _PIPED_WIDTH
    return Console(highlight=False, soft_wrap=True, width=width)


def error_console() -> Console:
    """Return the console on standard error."""
    from rich.console import Console

    return Console(stderr=True, highlight=False, soft_wrap=True)


def table(*columns: str) -> Table:
    """Return an empty table in the one style of all commands."""
    from rich import box
    from rich.table import Table

    made = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold")
    for column in columns:
        made.add_column(column, overflow="fold")
    return made


def print_error(message: str, exit_code: int) -> None:
    """Print an error for people, and as a JSON document if one was asked for."""
    from rich.text import Text

    error_console().print(Text.assemble(("error: ", "bold red"), printable(message)))
    if "--json" in sys.argv[1:]:
        print_json({"error": {"exitCode": exit_code, "message": printable(message)}})


def print_warnings(warnings: Sequence[str]) -> None:
    """Print warnings for people."""
    from rich.text import Text

    for warning in warnings:
        error_console().print(Text.assemble(("warning: ", "bold yellow"), printable(warning)))


def printable(text: str) -> str:
    """Return text in which control characters and lone surrogates are escaped."""
    return "".join(
        character
        if character.isprintable() or character == "\n"
        else character.encode("unicode_escape").decode()
        for character in text
    )


def short_hash(digest: bytes) -> str:
    """Return the first twelve hex digits of a hash, for tables."""
    return digest.hex()[:12]
