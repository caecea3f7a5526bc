"""Label selectors: matchLabels, and matchExpressions with In, NotIn, Exists and DoesNotExist.

Source: the API reference of LabelSelector v1 meta, and "Labels and Selectors" of the documentation.
What an absent selector means differs from field to field, so it is for the reader of the field.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.network.reading import Part

CONTROLLER_LABELS = frozenset(
    {
        "apps.kubernetes.io/pod-index",
        "batch.kubernetes.io/controller-uid",
        "batch.kubernetes.io/job-completion-index",
        "batch.kubernetes.io/job-name",
        "controller-revision-hash",
        "controller-uid",
        "job-name",
        "pod-template-generation",
        "pod-template-hash",
        "statefulset.kubernetes.io/pod-name",
    }
)
"""What controllers add to the pods of a template; no manifest tells their values."""

_NAME = r"[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?"
_DNS_LABEL = r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?"
_PREFIX = rf"(?=.{{1,253}}/){_DNS_LABEL}(?:\.{_DNS_LABEL})*/"
_KEY = re.compile(f"(?:{_PREFIX})?{_NAME}")
_VALUE = re.compile(f"(?:{_NAME})?")


class Operator(StrEnum):
    """How a requirement looks at a label."""

    IN = "In"
    NOT_IN = "NotIn"
    EXISTS = "Exists"
    DOES_NOT_EXIST = "DoesNotExist"


@dataclass(frozen=True)
class Requirement:
    """One condition on one label."""

    key: str
    operator: Operator
    values: frozenset[str] = frozenset()

    @classmethod
    def of(cls, part: Part) -> Requirement:
        """Read an item of matchExpressions; In and NotIn need values, the others have none."""
        part.only("key", "operator", "values")
        operator = Operator(part["operator"].one_of([*Operator]))
        values = frozenset(_checked(each, _VALUE) for each in part["values"].items())
        if bool(values) is not (operator in {Operator.IN, Operator.NOT_IN}):
            raise part["values"].refuse(f"{'no' if values else 'some'} values with {operator}")
        return cls(_checked(part["key"], _KEY), operator, values)

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Tell whether labels meet the condition; NotIn is met by those without the key."""
        match self.operator:
            case Operator.IN:
                return labels.get(self.key) in self.values
            case Operator.NOT_IN:
                return labels.get(self.key) not in self.values
            case Operator.EXISTS:
                return self.key in labels
            case Operator.DOES_NOT_EXIST:
                return self.key not in labels


@dataclass(frozen=True)
class LabelSelector:
    """All of some requirements; of none, everything is selected."""

    requirements: tuple[Requirement, ...] = ()

    @classmethod
    def of(cls, part: Part) -> LabelSelector:
        """Read a selector that is there; an empty one selects everything."""
        part.only("matchLabels", "matchExpressions")
        expressions = [Requirement.of(each) for each in part["matchExpressions"].items()]
        labels = check_labels(part["matchLabels"])
        return cls((*map(_equals, labels, labels.values()), *expressions))

    @classmethod
    def of_pods(cls, part: Part) -> LabelSelector:
        """Read a selector of pods; it may not ask for labels that only the cluster knows."""
        selector = cls.of(part)
        if added := sorted(selector.keys & CONTROLLER_LABELS):
            raise part.refuse(f"labels of pod templates, not what controllers add: {added}")
        return selector

    @classmethod
    def label(cls, key: str, value: str) -> LabelSelector:
        """Return the selector of one label."""
        return cls((_equals(key, value),))

    @property
    def keys(self) -> frozenset[str]:
        """The labels that are asked for."""
        return frozenset(each.key for each in self.requirements)

    def matches(self, labels: Mapping[str, str]) -> bool:
        return all(each.matches(labels) for each in self.requirements)


def check_labels(part: Part) -> dict[str, str]:
    """Return labels, which must be such as an API server takes; none when they are absent."""
    labels = part.texts()
    for key, value in labels.items():
        if _KEY.fullmatch(key) is None:
            raise part.refuse(f"label keys of the form [prefix/]name, not {key!r}")
        if _VALUE.fullmatch(value) is None:
            raise part[key].refuse("up to 63 letters, digits, dots, dashes, underscores")
    return labels


def _equals(key: str, value: str) -> Requirement:
    return Requirement(key, Operator.IN, frozenset({value}))


def _checked(part: Part, pattern: re.Pattern[str]) -> str:
    text = part.text()
    if pattern.fullmatch(text) is None:
        raise part.refuse(f"what matches {pattern.pattern}")
    return text
