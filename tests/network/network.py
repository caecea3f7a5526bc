"""The network: pods in namespaces, and the policies that confine them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from tests.network.manifests import namespaces_of, pods_of, policies_of
from tests.network.model import (
    BadQuestion,
    Connection,
    Direction,
    Namespace,
    Pod,
    Protocol,
    address_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from tests.network.model import End
    from tests.network.policies import Policy

T = TypeVar("T")


@dataclass(frozen=True)
class Network:
    """Pods, policies and namespaces by name; no two pods share a name or an address."""

    pods: tuple[Pod, ...]
    policies: tuple[Policy, ...]
    namespaces: Mapping[str, Namespace] = field(hash=False)

    @classmethod
    def of(
        cls,
        manifests: Sequence[Mapping[str, Any]],
        *,
        pods: Iterable[Pod] = (),
        namespaces: Mapping[str, Mapping[str, str]] | None = None,
    ) -> Network:
        """Return the network of manifests, and of pods that stand in none of them.

        Args:
            manifests: of any kinds; those with pod templates, policies and namespaces count.
            pods: further pods.
            namespaces: labels of namespaces by name, besides the label that each has with its name.
                Those of a namespace that stands neither here nor among the manifests are not known.

        Raises:
            NotUnderstood: a policy says what is not known.
            BadQuestion: two pods or two policies are one.
        """
        every_pod = (*pods_of(manifests), *pods)
        mentioned = {pod.namespace: Namespace(pod.namespace) for pod in every_pod}
        among = {each.name: each for each in namespaces_of(manifests)}
        given = {name: Namespace(name, labels) for name, labels in (namespaces or {}).items()}
        return cls(every_pod, tuple(policies_of(manifests)), mentioned | among | given)

    def __post_init__(self) -> None:
        _distinct(map(str, self.pods))
        _distinct(str(address_of(pod.ip)) for pod in self.pods)
        _distinct(map(str, self.policies))

    def pod(self, name: str, *, namespace: str | None = None, kind: str | None = None) -> Pod:
        """Return the one pod with a name; its namespace and kind matter only if they are given."""
        return _one(
            name,
            [
                pod
                for pod in self.pods
                if pod.name == name
                and namespace in {None, pod.namespace}
                and kind in {None, pod.kind}
            ],
        )

    def policy(self, name: str, *, namespace: str | None = None) -> Policy:
        """Return the one policy with a name; its namespace matters only if it is given."""
        return _one(
            name,
            [
                policy
                for policy in self.policies
                if policy.name == name and namespace in {None, policy.namespace}
            ],
        )

    def selected_by(self, policy: Policy) -> list[Pod]:
        """Return the pods that a policy is about."""
        return [pod for pod in self.pods if policy.selects(pod)]

    def selecting(self, pod: Pod) -> list[Policy]:
        """Return the policies that are about a pod."""
        self._check(pod)
        return [policy for policy in self.policies if policy.selects(pod)]

    def isolates(self, pod: Pod, direction: Direction) -> bool:
        """Tell whether some policy isolates a pod in a direction."""
        return any(policy.isolates(direction) for policy in self.selecting(pod))

    def allows(
        self, source: End, destination: End, *, port: int, protocol: str = Protocol.TCP
    ) -> bool:
        """Tell whether a connection may be opened, be the pods running or not.

        The egress of the source and the ingress of the destination must both allow it. A pod can't
        be kept from itself.

        Args:
            source: a pod of this network, or an address outside.
            destination: likewise; one of both is a pod.
            port: the destination's.
            protocol: TCP, UDP or SCTP.

        Raises:
            BadQuestion: a pod or an address is not what it is said to be, or the port is none.
            NotUnderstood: the answer depends on labels of a namespace that are not known.
        """
        connection = Connection(source, destination, port, protocol)
        self._check(source)
        self._check(destination)
        if source == destination:
            return True
        return all(self._lets(direction, connection) for direction in Direction)

    def _lets(self, direction: Direction, connection: Connection) -> bool:
        """Tell whether no policy isolates the pod in a direction, or one that does allows it."""
        subject = direction.subject(connection)
        if not isinstance(subject, Pod):
            return True
        isolating = [each for each in self.selecting(subject) if each.isolates(direction)]
        return not isolating or any(
            each.allows(direction, connection, self.namespaces) for each in isolating
        )

    def _check(self, end: End) -> None:
        if isinstance(end, Pod):
            if end not in self.pods:
                raise BadQuestion(f"{end} is not in this network; give it to Network.of(pods=...)")
            return
        for pod in self.pods:
            if address_of(pod.ip) == address_of(end.address):
                raise BadQuestion(f"{end} is not outside: it is the address of {pod}")


def _one(name: str, found: list[T]) -> T:
    if len(found) != 1:
        raise BadQuestion(f"{name} names {', '.join(map(str, found)) or 'nothing'}; allowed: one")
    return found[0]


def _distinct(names: Iterable[str]) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise BadQuestion(f"{name} is there twice")
        seen.add(name)
