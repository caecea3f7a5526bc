"""What commands print of texts that are not theirs."""

from __future__ import annotations

import pytest
from rich.console import Console

from rynxs.cli.console import cell, one_line, printable

ACTING = ["\n", "\r", "\x1b[2J", "\x7f", "\x9b", "\u2028", "\u2029", "\u202e", "\u2066", "\ud800"]


@pytest.mark.parametrize("text", ACTING)
def test_what_a_terminal_acts_on_is_escaped(text: str) -> None:
    shown = one_line(f"before{text}after")
    assert shown.isprintable()
    assert shown.startswith("before\\")


def test_text_is_shown_as_it_is() -> None:
    text = "caf\u00e9 [bold] \u65e5\u672c \u05d0"
    assert one_line(text) == printable(text) == text
    assert printable("one\ntwo\x1b") == "one\ntwo\\x1b"


def test_a_cell_is_one_line_without_markup() -> None:
    console = Console(width=80)
    with console.capture() as captured:
        console.print(cell("[red]a[/]\nb"))
    assert captured.get() == "[red]a[/]\\nb\n"
