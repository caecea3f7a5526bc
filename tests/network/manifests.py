"""What rendered manifests hold: pods, namespaces and network policies."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from tests.network.model import MAX_PORT, NamedPort, Namespace, Pod, Protocol
from tests.network.policies import Policy
from tests.network.reading import Part
from tests.network.selectors import check_labels

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_POD_NETWORK = "10.244"


def pods_of(manifests: Iterable[Mapping[str, Any]]) -> list[Pod]:
    """Return the pods of all pod templates, one for each template whatever its replicas.

    A pod has the kind, name and namespace of its manifest, and an invented address of its own. It
    is not running if a spec around the template has replicas 0, parallelism 0 or suspend true.

    Raises:
        NotUnderstood: a pod without a namespace, or in the network of its host, where it depends on
            the network plugin what policies do.
    """
    found = [
        (whole, template, running)
        for whole in _wholes(manifests)
        for template, running in _templates(whole, running=True)
    ]
    return [
        _pod(whole, template, f"{_POD_NETWORK}.{number >> 8}.{number & 255}", running=running)
        for number, (whole, template, running) in enumerate(found, 1)
    ]


def namespaces_of(manifests: Iterable[Mapping[str, Any]]) -> list[Namespace]:
    """Return the namespaces that are among the manifests, with their labels."""
    return [
        Namespace(whole["metadata"]["name"].text(), check_labels(whole["metadata"]["labels"]))
        for whole in _wholes(manifests)
        if whole["kind"].value == "Namespace"
    ]


def policies_of(manifests: Iterable[Mapping[str, Any]]) -> list[Policy]:
    """Return the network policies.

    Raises:
        NotUnderstood: one is of another API, such as AdminNetworkPolicy or a network plugin's own,
            or says what the evaluator does not know.
    """
    return [
        Policy.of(whole)
        for whole in _wholes(manifests)
        if whole["kind"].text().endswith("NetworkPolicy")
    ]


def _wholes(manifests: Iterable[Mapping[str, Any]]) -> list[Part]:
    return [Part.of(each) for each in manifests]


def _templates(part: Part, *, running: bool) -> Iterator[tuple[Part, bool]]:
    """Yield pod templates and whether their pods run.

    A pod and a pod template are alike: a spec with containers, at whatever depth the kind has it.
    """
    if isinstance(part.value, Mapping):
        spec = part["spec"].value
        if isinstance(spec, Mapping):
            if "containers" in spec:
                yield part, running
                return
            running = running and not _stopped(spec)
        for name in part.value:
            yield from _templates(part[name], running=running)
    elif isinstance(part.value, list | tuple):
        for each in part.items():
            yield from _templates(each, running=running)


def _stopped(spec: Mapping[str, Any]) -> bool:
    none = spec.get("replicas") == 0 or spec.get("parallelism") == 0
    return none or spec.get("suspend") is True


def _pod(whole: Part, template: Part, ip: str, *, running: bool) -> Pod:
    spec = template["spec"]
    if spec["hostNetwork"].value:
        raise spec["hostNetwork"].refuse("pods with a network of their own")
    return Pod(
        name=whole["metadata"]["name"].text(),
        namespace=whole["metadata"]["namespace"].text(),
        labels=check_labels(template["metadata"]["labels"]),
        ip=ip,
        ports=tuple(_named_ports(spec)),
        running=running,
        kind=whole["kind"].text(),
    )


def _named_ports(spec: Part) -> Iterator[NamedPort]:
    """Yield the ports that have names, of containers that run as long as the pod does."""
    sidecars = [each for each in spec["initContainers"].items() if _restarts(each)]
    for container in [*spec["containers"].items(), *sidecars]:
        for port in container["ports"].items():
            if port["name"].present:
                protocol = port["protocol"]
                yield NamedPort(
                    port["name"].text(),
                    port["containerPort"].number(1, MAX_PORT),
                    protocol.one_of([*Protocol]) if protocol.present else Protocol.TCP,
                )


def _restarts(container: Part) -> bool:
    return str(container["restartPolicy"].value) == "Always"
