"""What Kubernetes network policies allow: an evaluator of networking.k8s.io/v1, for tests.

It answers from manifests alone, with no cluster:

    network = Network.of(manifests, pods=[dns], namespaces={"kube-system": {"tier": "system"}})
    worker = network.pod("agent-worker")
    network.allows(worker, dns, port=53, protocol="UDP")
    network.allows(worker, External("198.51.100.7"), port=443)
    network.selected_by(network.policy("agent-worker"))

It follows the API reference of NetworkPolicy v1 and the page "Network Policies" of the Kubernetes
documentation. Where these leave a choice to network plugins, it is this:

- An `ipBlock` never matches a pod. It is meant for addresses outside the cluster; some plugins
  match pods by it and others don't, so what must be allowed between pods has to stand in selectors.
  A "no" between pods holds for plugins of the other sort only if no block has the pods' addresses.
- A named port is resolved on the destination pod. An address outside has no names: none matches.
- A pod's traffic with itself is always allowed. That with its node is not modelled, nor is any
  rewriting of addresses: ask for the address that the policy is to see. Pods in the network of
  their host are refused.
- Connections count; replies follow what they answer.

Whatever it does not know in a policy raises `NotUnderstood`, and a question without an answer
raises `BadQuestion`, for a wrong "no" would let a test of a denial pass.
"""

from tests.network.manifests import namespaces_of, pods_of, policies_of
from tests.network.model import (
    NAMESPACE_NAME,
    BadQuestion,
    Direction,
    End,
    External,
    NamedPort,
    Namespace,
    Pod,
)
from tests.network.network import Network
from tests.network.policies import Policy
from tests.network.reading import NotUnderstood

__all__ = [
    "NAMESPACE_NAME",
    "BadQuestion",
    "Direction",
    "End",
    "External",
    "NamedPort",
    "Namespace",
    "Network",
    "NotUnderstood",
    "Pod",
    "Policy",
    "namespaces_of",
    "pods_of",
    "policies_of",
]
