"""A Dockerfile, read: its stages and their instructions, those that ours uses.

See the Dockerfile reference of Docker's documentation.
"""

from __future__ import annotations

import json
import re
import shlex
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

KNOWN: Final = {"CMD", "COPY", "ENTRYPOINT", "ENV", "LABEL", "RUN", "USER", "WORKDIR"}


class Unreadable(ValueError):
    """A Dockerfile has something in it that is not carried out here."""


class Instruction(NamedTuple):
    """An instruction of a stage.

    Attributes:
        word: Such as `RUN`.
        text: What follows it, its lines joined.
    """

    word: str
    text: str

    def words(self) -> list[str]:
        """Return the text in words, without quotes."""
        return shlex.split(self.text)

    def pairs(self) -> dict[str, str]:
        """Return what an ENV or a LABEL sets."""
        return {name: value for name, _, value in (word.partition("=") for word in self.words())}

    def command(self) -> list[str]:
        """Return the command that an ENTRYPOINT or a CMD names.

        Raises:
            Unreadable: It is a line for a shell.
        """
        try:
            command: list[str] = json.loads(self.text)
        except json.JSONDecodeError as error:
            raise Unreadable(f"{self.word} {self.text} is no JSON array") from error
        return command


class Stage(NamedTuple):
    """A stage of a build.

    Attributes:
        name: Its own.
        base: The image that it begins with.
    """

    name: str
    base: str
    instructions: list[Instruction]

    def of(self, word: str) -> list[Instruction]:
        """Return the instructions of a kind."""
        return [each for each in self.instructions if each.word == word]


def stages(text: str) -> list[Stage]:
    """Read a Dockerfile.

    Raises:
        Unreadable: It has an instruction that is not carried out here, or a stage without a name.
    """
    defaults: dict[str, str] = {}
    found: list[Stage] = []
    for word, rest in _instructions(text):
        if word == "ARG" and not found:
            name, _, value = rest.partition("=")
            defaults[name] = value
        elif word == "FROM":
            named = re.fullmatch(r"(\S+) AS (\S+)", rest)
            if named is None:
                raise Unreadable(f"FROM {rest} names no stage")
            found.append(Stage(named[2], _expanded(named[1], defaults), []))
        elif word in KNOWN and found:
            found[-1].instructions.append(Instruction(word, rest))
        else:
            raise Unreadable(f"{word} {rest} is not carried out")
    return found


def _instructions(text: str) -> Iterator[tuple[str, str]]:
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    for line in "\n".join(lines).replace("\\\n", "").splitlines():
        word, _, rest = line.partition(" ")
        yield word, rest.strip()


def _expanded(text: str, values: dict[str, str]) -> str:
    return re.sub(r"\$\{(\w+)\}", lambda found: values[found[1]], text)
