"""What holds for any policies: they add up, whatever their order, and isolate by direction."""

from __future__ import annotations

from itertools import product
from typing import Any, NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.network import Direction, End, External, Network, Pod
from tests.unit.network.build import PODS, labels, network, policy

FIELDS = (("Ingress", "ingress", "from"), ("Egress", "egress", "to"))

NOT_CLIENT = {"matchExpressions": [{"key": "app", "operator": "NotIn", "values": ["client"]}]}
SELECTORS = st.sampled_from([{}, labels(app="client"), labels(tier="back"), NOT_CLIENT])
SPACES = st.sampled_from([{}, labels(team="blue"), labels(team="green")])
BLOCKS = st.sampled_from(
    [{"cidr": "::/0"}, {"cidr": "0.0.0.0/0"}, {"cidr": "0.0.0.0/0", "except": ["192.0.2.0/24"]}]
)
PEERS = st.one_of(
    st.fixed_dictionaries({"podSelector": SELECTORS}, optional={"namespaceSelector": SPACES}),
    st.fixed_dictionaries({"namespaceSelector": SPACES}),
    st.fixed_dictionaries({"ipBlock": BLOCKS}),
)
PORTS = st.sampled_from(
    [{}, {"port": 80}, {"port": "web"}, {"port": 81, "endPort": 8080}, {"protocol": "UDP"}]
)


def rules_of(peers: str) -> st.SearchStrategy[dict[str, Any]]:
    lists = {peers: st.lists(PEERS, max_size=2), "ports": st.lists(PORTS, max_size=2)}
    return st.fixed_dictionaries({}, optional=lists)


RULES = {kind: rules_of(peers) for kind, _, peers in FIELDS}


@st.composite
def policies(draw: st.DrawFn) -> dict[str, Any]:
    """Draw a policy that names its types, and has rules of both."""
    spec = {field: draw(st.lists(RULES[kind], max_size=2)) for kind, field, _ in FIELDS}
    types = draw(st.lists(st.sampled_from(["Ingress", "Egress"]), min_size=1, unique=True))
    namespace = draw(st.sampled_from(["blue", "blue", "green"]))
    selector = draw(SELECTORS)
    return policy("drawn", namespace, podSelector=selector, policyTypes=types, **spec)


POLICIES = st.lists(policies(), max_size=4)

some = settings(deadline=None, max_examples=50)  # each asks some two hundred questions


class Asked(NamedTuple):
    """A question, and the answer of a network."""

    source: End
    destination: End
    port: int
    protocol: str

    def of(self, network: Network) -> bool:
        return network.allows(self.source, self.destination, port=self.port, protocol=self.protocol)


ENDS: tuple[End, ...] = (*PODS, External("192.0.2.1"), External("2001:db8::1"))
EVERYTHING = [
    Asked(*each)
    for each in product(ENDS, ENDS, (80, 81, 8080), ("TCP", "UDP"))
    if isinstance(each[0], Pod) or isinstance(each[1], Pod)
]


def named(drawn: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return policies under names of their own."""
    return [
        each | {"metadata": each["metadata"] | {"name": f"policy-{number}"}}
        for number, each in enumerate(drawn)
    ]


def allowed(drawn: list[dict[str, Any]]) -> set[Asked]:
    """Return all that a network of policies allows."""
    built = network(*named(drawn))
    return {each for each in EVERYTHING if each.of(built)}


def isolated(built: Network, asked: Asked) -> set[Direction]:
    """Return the directions in which the ends of a connection are isolated for it."""
    ends = {Direction.EGRESS: asked.source, Direction.INGRESS: asked.destination}
    return {
        direction
        for direction, end in ends.items()
        if isinstance(end, Pod) and built.isolates(end, direction)
    }


@some
@given(POLICIES, policies())
def test_a_further_policy_opens_only_what_was_isolated(
    before: list[dict[str, Any]], added: dict[str, Any]
) -> None:
    """Pods that are not isolated lose by it, or nothing changes for them."""
    built = network(*named(before))
    for opened in allowed([*before, added]) - allowed(before):
        directions = isolated(built, opened)
        assert directions
        assert directions & {*added["spec"]["policyTypes"]}


@some
@given(POLICIES, policies())
def test_a_further_policy_closes_only_what_it_isolates_first(
    before: list[dict[str, Any]], added: dict[str, Any]
) -> None:
    built, alone = network(*named(before)), network(added)
    for closed in allowed(before) - allowed([*before, added]):
        assert isolated(alone, closed) - isolated(built, closed)


@some
@given(POLICIES, policies(), st.sampled_from(FIELDS), st.data())
def test_a_further_rule_never_forbids(
    others: list[dict[str, Any]],
    grown: dict[str, Any],
    direction: tuple[str, str, str],
    data: st.DataObject,
) -> None:
    """Of policies that name their types; without them the first rule of egress isolates."""
    kind, field, _ = direction
    rule = data.draw(RULES[kind])
    more = grown | {"spec": grown["spec"] | {field: [rule, *grown["spec"][field]]}}
    assert allowed([*others, grown]) <= allowed([*others, more])


@some
@given(POLICIES, policies(), st.sampled_from(FIELDS), st.data())
def test_a_further_peer_or_port_never_forbids_beside_another(
    others: list[dict[str, Any]],
    grown: dict[str, Any],
    direction: tuple[str, str, str],
    data: st.DataObject,
) -> None:
    """The first of them does, for none at all means everything."""
    _, field, peers = direction
    lists = {peers: [data.draw(PEERS)], "ports": [data.draw(PORTS)]}
    further = {peers: [data.draw(PEERS)], "ports": [data.draw(PORTS)]}
    more = {name: lists[name] + further[name] for name in lists}
    fewer = grown | {"spec": grown["spec"] | {field: [lists]}}
    assert allowed([*others, fewer]) <= allowed(
        [*others, grown | {"spec": grown["spec"] | {field: [more]}}]
    )


@some
@given(POLICIES, st.randoms(use_true_random=False))
def test_the_order_of_policies_and_rules_does_not_matter(
    drawn: list[dict[str, Any]], random: Any
) -> None:
    def shuffled(items: list[Any]) -> list[Any]:
        return sorted(items, key=lambda _: random.random())

    other = [
        each | {"spec": {**each["spec"], **{f: shuffled(each["spec"][f]) for _, f, _ in FIELDS}}}
        for each in shuffled(drawn)
    ]
    assert allowed(drawn) == allowed(other)


@some
@given(POLICIES)
def test_a_connection_is_allowed_if_both_directions_allow_it_alone(
    drawn: list[dict[str, Any]],
) -> None:
    def only(kind: str) -> list[dict[str, Any]]:
        return [
            each | {"spec": each["spec"] | {"policyTypes": [kind]}}
            for each in drawn
            if kind in each["spec"]["policyTypes"]
        ]

    assert allowed(drawn) == allowed(only("Ingress")) & allowed(only("Egress"))


@some
@given(POLICIES, policies())
def test_a_policy_is_as_several_with_one_rule_each(
    others: list[dict[str, Any]], whole: dict[str, Any]
) -> None:
    """All of the same pods and types; one without rules goes along, for they may be none."""
    spec = whole["spec"]
    empty: dict[str, Any] = {field: [] for _, field, _ in FIELDS}
    parts = [
        whole | {"spec": spec | empty | {field: [rule]}}
        for _, field, _ in FIELDS
        for rule in spec[field]
    ]
    closed = whole | {"spec": spec | empty}
    assert allowed([*others, whole]) == allowed([*others, closed, *parts])


@some
@given(policies())
def test_a_rule_is_as_several_with_one_peer_and_one_port_each(whole: dict[str, Any]) -> None:
    spec = dict(whole["spec"])
    for _, field, peers in FIELDS:
        spec[field] = [
            {name: [item] for name, item in ((peers, peer), ("ports", port)) if item is not None}
            for rule in spec[field]
            for peer in rule.get(peers) or [None]
            for port in rule.get("ports") or [None]
        ]
    assert allowed([whole]) == allowed([whole | {"spec": spec}])


@some
@given(policies())
def test_pods_of_other_namespaces_are_not_isolated(drawn: dict[str, Any]) -> None:
    built = network(drawn)
    for pod in built.pods:
        selected = built.selected_by(built.policy("drawn"))
        assert pod in selected or not any(built.isolates(pod, each) for each in Direction)
        assert pod not in selected or pod.namespace == drawn["metadata"]["namespace"]
