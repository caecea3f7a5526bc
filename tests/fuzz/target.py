"""What a fuzz target is, and the inputs that it starts from."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

CORPUS: Final = Path(__file__).parent / "corpus"


def no_words() -> tuple[bytes, ...]:
    """Return the words of a format that has none."""
    return ()


class Target(NamedTuple):
    """A promise about every sequence of bytes.

    Attributes:
        name: in one word.
        run: returns if the promise holds for an input, and raises anything if it does not.
        seeds: makes inputs to start from, by the code that writes the format.
        words: makes what often stands in an input of a textual format.
    """

    name: str
    run: Callable[[bytes], None]
    seeds: Callable[[], Sequence[bytes]]
    words: Callable[[], Iterable[bytes]] = no_words

    def starts(self) -> list[bytes]:
        """Return the seeds and the inputs that are kept in the repository."""
        return [*self.seeds(), *kept(self.name)]


def corpus_file(name: str) -> Path:
    """Return the file of a target's kept inputs: one a line, in base64; lines with # explain."""
    return CORPUS / f"{name}.txt"


def kept(name: str) -> list[bytes]:
    """Return a target's kept inputs."""
    file = corpus_file(name)
    if not file.exists():
        return []
    lines = file.read_text(encoding="ascii").splitlines()
    return [base64.b64decode(line, validate=True) for line in lines if not line.startswith("#")]
