"""What docs/RBAC.md says of rights."""

from __future__ import annotations

import re
from typing import Final

from tests.cluster.helm import REPOSITORY

LOG_LINE, READYZ, CONDITION, EVENT = "log line", "/readyz", "condition", "Event"
"""Where an operator may name a right that it lacks."""
_PLACES: Final = (LOG_LINE, READYZ, CONDITION, EVENT)
_ALL: Final = "all of these"
_RESOURCE: Final = re.compile(r"(?<!\()`([a-z/]+)`")


def documented() -> dict[tuple[str, str], set[str]]:
    """Return where an operator names what it lacks, by resource and verb.

    What is rendered has two tables: one of the resources, and one of what their verbs are for.
    """
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in (REPOSITORY / "docs/RBAC.md").read_text().splitlines()
        if line.startswith("| ")
    ]
    rendered = {name for row in rows if len(row) == 3 for name in _RESOURCE.findall(row[0])}
    return {
        (resource, verb): {place for place in _PLACES if place in without}
        for names, verbs, _, without in (row for row in rows if len(row) == 4)
        for resource in (rendered if names == _ALL else _RESOURCE.findall(names))
        for verb in verbs.split(", ")
    }
