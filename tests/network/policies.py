"""A network policy: which pods it selects, in which directions it isolates them, what it allows.

Source: the API reference of NetworkPolicySpec, networking.k8s.io/v1.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.network.model import Direction
from tests.network.rules import Rule
from tests.network.selectors import LabelSelector

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.network.model import Connection, Namespace, Pod
    from tests.network.reading import Part

API_VERSION = "networking.k8s.io/v1"
_FIELDS = {Direction.INGRESS: "ingress", Direction.EGRESS: "egress"}


@dataclass(frozen=True)
class Policy:
    """A network policy.

    Attributes:
        pods: the pods of its namespace that it is about.
        rules: those of each direction in which it isolates these pods; of none, all is denied.
    """

    name: str
    namespace: str
    pods: LabelSelector
    rules: Mapping[Direction, tuple[Rule, ...]] = field(hash=False)

    @classmethod
    def of(cls, part: Part) -> Policy:
        """Read the manifest of a policy.

        A missing podSelector is an empty one, which selects all pods of the namespace.

        Raises:
            NotUnderstood: a field, operator, type or value that is not known.
        """
        part.only("apiVersion", "kind", "metadata", "spec")
        part["apiVersion"].one_of([API_VERSION])
        part["kind"].one_of(["NetworkPolicy"])
        namespace = part["metadata"]["namespace"].text()
        spec = part["spec"]
        if spec.present:
            spec.only("podSelector", "policyTypes", *_FIELDS.values())
        selector = spec["podSelector"]
        rules = {
            direction: tuple(Rule.of(each, direction, namespace) for each in spec[name].items())
            for direction, name in _FIELDS.items()
        }
        return cls(
            part["metadata"]["name"].text(),
            namespace,
            LabelSelector.of_pods(selector) if selector.present else LabelSelector(),
            {each: rules[each] for each in _directions(spec, rules)},
        )

    def __str__(self) -> str:
        return f"NetworkPolicy {self.namespace}/{self.name}"

    def selects(self, pod: Pod) -> bool:
        """Tell whether the policy is about a pod: one of its own namespace that it selects."""
        return pod.namespace == self.namespace and self.pods.matches(pod.labels)

    def isolates(self, direction: Direction) -> bool:
        """Tell whether the pods it selects are isolated by it in a direction."""
        return direction in self.rules

    def allows(
        self, direction: Direction, connection: Connection, namespaces: Mapping[str, Namespace]
    ) -> bool:
        """Tell whether one of its rules of a direction matches a connection of a pod it selects."""
        return any(each.matches(connection, namespaces) for each in self.rules.get(direction, ()))


def _directions(spec: Part, rules: Mapping[Direction, tuple[Rule, ...]]) -> list[Direction]:
    """Return the policy's types; by default Ingress, and Egress iff there are rules of egress.

    The API server treats an empty list as none, and takes two items at most.
    """
    named = spec["policyTypes"].items()
    if len(named) > len(Direction):
        raise spec["policyTypes"].refuse("at most two types")
    if named:
        return [Direction(each.one_of([*Direction])) for each in named]
    return [Direction.INGRESS, *([Direction.EGRESS] if rules[Direction.EGRESS] else [])]
