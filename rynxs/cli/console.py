"""What commands print: a document for machines or a view for people, errors on standard error."""

from __future__ import annotations

import errno
import io
import json
import os
import sys
from contextlib import contextmanager, suppress
from typing import IO, TYPE_CHECKING, Any, BinaryIO

from rynxs.errors import OutputError
from rynxs.escapes import escaped

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from rich.console import Console
    from rich.table import Table
    from rich.text import Text
    from typer.exceptions import TyperException

EXIT_BROKEN_PIPE = 141
_PIPED_WIDTH = 200


def emit(json_wanted: bool, document: Mapping[str, Any], show: Callable[[Console], None]) -> None:
    """Print a command's result: as one JSON document, or for people by calling `show`."""
    with output():
        if json_wanted:
            print_json(document)
        else:
            show(console())


class ClosedOutput(io.TextIOBase):
    """Stands for a standard output that was closed before the command began."""

    def __init__(self, place: IO[Any]) -> None:
        """Keep open what has the number of the closed stream."""
        self._place = place

    def write(self, text: str) -> int:
        """Fail.

        Raises:
            OutputError: always.
        """
        raise OutputError(f"standard output: closed, {len(text)} characters not written")

    @property
    def buffer(self) -> BinaryIO:
        """The stream of bytes, which fails likewise."""
        raise OutputError("standard output: closed")


@contextmanager
def output() -> Iterator[None]:
    """Write to standard output within; what goes wrong there ends the command, in a sentence."""
    try:
        yield
        sys.stdout.flush()
    except OSError as error:
        # What is still buffered must not be flushed again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if isinstance(error, BrokenPipeError):  # the reader has gone, as `head` does
            raise SystemExit(EXIT_BROKEN_PIPE) from None
        raise OutputError(f"standard output: {error.strerror}") from None


def print_json(document: Mapping[str, Any]) -> None:
    """Print one JSON document on standard output."""
    sys.stdout.write(json.dumps(document, indent=2) + "\n")


def console() -> Console:
    """Return the console on standard output; wide enough not to cut when it is no terminal."""
    from rich.console import Console

    class Plain(Console):
        def on_broken_pipe(self) -> None:
            raise BrokenPipeError(errno.EPIPE, "Broken pipe")

    width = None if sys.stdout.isatty() else _PIPED_WIDTH
    return Plain(highlight=False, soft_wrap=True, width=width)


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
        with suppress(OutputError):  # of a closed output it is told above
            print_json({"error": {"exitCode": exit_code, "message": printable(message)}})


def print_usage_error(error: TyperException) -> None:
    """Print what is wrong with the arguments, as typer does, and as JSON if that was asked for."""
    show = getattr(error, "show", None)  # typer's own errors know their command and its usage
    if show is None:
        print_error(error.format_message(), error.exit_code)
        return
    show()
    if "--json" in sys.argv[1:]:
        message = printable(error.format_message())
        with suppress(OutputError):
            print_json({"error": {"exitCode": error.exit_code, "message": message}})


def print_warnings(warnings: Sequence[str]) -> None:
    """Print warnings for people."""
    from rich.text import Text

    for warning in warnings:
        error_console().print(Text.assemble(("warning: ", "bold yellow"), printable(warning)))


def one_line(text: str) -> str:
    """Return text on one line, without what a terminal acts on."""
    return escaped(text)


def printable(text: str) -> str:
    """Return text of several lines, each as `one_line` gives it."""
    return escaped(text, "\n")


def cell(text: str) -> Text:
    """Return what stands in a table's cell: the text as it is, on one line, no markup."""
    from rich.text import Text

    return Text(one_line(text))


def short_hash(digest: bytes) -> str:
    """Return the first twelve hex digits of a hash, for tables."""
    return digest.hex()[:12]
