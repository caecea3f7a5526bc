"""What the parts of a new plugin are called."""

from __future__ import annotations

import re
from typing import NamedTuple

from rynxs.errors import UsageError

NAME_SIZE_MAX = 40
_NAME = re.compile(r"[a-z][a-z0-9]*(?:[-_][a-z0-9]+)*", re.ASCII)
_RULE = (
    "lower-case letters and digits, the first one a letter, with single '-' or '_' between them, "
    f"at most {NAME_SIZE_MAX} characters"
)


class Names(NamedTuple):
    """The names that follow from a family and a plugin's name."""

    family: str
    name: str

    @property
    def label(self) -> str:
        """The name with ``-`` only, as in ``my-disk``."""
        return self.name.replace("_", "-")

    @property
    def distribution(self) -> str:
        """What pip installs, as in ``rynxs-sink-my-disk``."""
        return f"rynxs-{self.family}-{self.label}"

    @property
    def package(self) -> str:
        """What Python imports, as in ``rynxs_sink_my_disk``."""
        return self.distribution.replace("-", "_")

    @property
    def entry_point(self) -> str:
        """What the plugin manager finds, as in ``sink.my-disk``."""
        return f"{self.family}.{self.name}"

    @property
    def words(self) -> list[str]:
        """The words of the name."""
        return self.label.split("-")

    @property
    def kind(self) -> str:
        """The name of a kind or a class, as in ``MyDisk``."""
        return "".join(word.capitalize() for word in self.words)


def check_name(family: str, name: str) -> Names:
    """Return the names that follow from a plugin's name.

    Raises:
        UsageError: nothing can be called so.
    """
    if _is_name(name):
        return Names(family, name)
    nearest = re.sub(r"[^a-z0-9_-]+|[-_]{2,}", "-", name.lower()).strip("-_")
    proposal = f"; did you mean '{nearest}'?" if _is_name(nearest) else ""
    raise UsageError(f"NAME: found {name!r}; expected are {_RULE}{proposal}")


def _is_name(text: str) -> bool:
    return len(text) <= NAME_SIZE_MAX and _NAME.fullmatch(text) is not None
