"""How commands show the conditions of subjects, such as why one is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from rich.console import Console


def in_short(condition: Mapping[str, Any]) -> str:
    """Return a condition without its message, as ``False (QuotaExceeded)``."""
    return f"{condition['status']} ({condition['reason']})"


def show_conditions(
    console: Console, subject: str, conditions: Iterable[Mapping[str, Any]], indent: str = ""
) -> None:
    """Print the conditions that have something to say, each sentence on a line of its own.

    Args:
        console: where to.
        subject: whose they are, to stand before each; may be empty.
        conditions: in the order to print them.
        indent: stands before every line.
    """
    from rich.text import Text

    from rynxs.cli.console import one_line
    from rynxs.engine.admission import ACCEPTED
    from rynxs.engine.conditions import sentences

    for condition in conditions:
        if not condition["message"]:
            continue
        style = "red" if condition["type"] == ACCEPTED else "yellow"
        head = one_line(f"{condition['type']}={in_short(condition)}")
        name = ((f"{one_line(subject)} ", "bold"),) if subject else ()
        console.print(Text.assemble(indent, *name, (head, style)))
        for sentence in sentences(condition["message"]):
            console.print(Text(f"{indent}    {one_line(sentence)}"))
