"""What PromQL asks for, without its whole grammar, and what the operator has to answer it with.

Only metrics of rynxs are looked for; that a query is one at all is for promtool to say.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from tests.unit.operator.measured import measured

TARGET_LABELS: Final = frozenset({"namespace", "job", "instance", "pod"})
"""What Prometheus adds to every series that it has from a pod by a ServiceMonitor, as used here."""
_METRIC: Final = r"\brynxs_\w+"
_SELECTOR: Final = rf"({_METRIC})(?:{{(.*?)}})?"
_MATCHER: Final = r'(\w+)\s*(?:=~|!~|!=|=)\s*"'
_CLAUSE: Final = r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([^)]*)\)"


class Selector(NamedTuple):
    """A metric in a query, and the labels that it is asked to have."""

    metric: str
    labels: frozenset[str]


def selectors(query: str) -> list[Selector]:
    """Return the metrics of a query, in order."""
    return [
        Selector(metric, frozenset(re.findall(_MATCHER, matchers)))
        for metric, matchers in re.findall(_SELECTOR, query)
    ]


def clauses(query: str) -> set[str]:
    """Return the labels by which a query aggregates and joins."""
    found = re.findall(_CLAUSE, query)
    return {label.strip() for labels in found for label in labels.split(",") if label.strip()}


def exported() -> dict[str, frozenset[str]]:
    """Return what a scrape has of rynxs: the name of each series, and its own labels."""
    text = measured().text()[0].decode()
    samples = re.findall(rf"^({_METRIC})(?:{{(.*)}})? ", text, re.MULTILINE)
    return {name: frozenset(re.findall(_MATCHER, labels)) for name, labels in samples}


def unknown(query: str) -> set[str]:
    """Return the metrics that a query asks for and nobody exports, and labels that none has."""
    known, found = exported(), selectors(query)
    missing = {each.metric for each in found} - known.keys()
    labels = {label for each in found for label in known.get(each.metric, frozenset())}
    for each in found:
        missing |= each.labels - TARGET_LABELS - known.get(each.metric, frozenset())
    return missing | (clauses(query) - TARGET_LABELS - labels)
