"""What the network lets a team do, in two namespaces with the same names in both."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import pytest

from tests.network import External, Pod

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conftest import World
    from tests.network import End, Network

TASKS = 8080
INTERNET = External("203.0.113.7")
SPACES = ("blue", "green")
TEAM: dict[str, dict[str, Any]] = {
    "boss": {
        "role": "manager",
        "manages": ["ann", "bob", "sus", "nobody"],
        "permissions": {"canAssignTasks": True},
    },
    "lead": {"role": "director", "team": "red", "permissions": {"canManageTeam": True}},
    "mute": {"role": "manager", "team": "red", "manages": ["ann", "bob"]},
    "ann": {"role": "worker", "team": "red"},
    "bob": {"role": "worker"},
    "sus": {"role": "worker", "team": "red", "suspend": True},
}
SESSIONS = {"of-boss": "boss", "of-lead": "lead", "of-ann": "ann", "of-sus": "sus"}
BYSTANDERS = [
    Pod("plain", "blue", {}, "10.0.0.1"),
    Pod("named", "blue", {"app.kubernetes.io/name": "rynxs-agent"}, "10.0.0.2"),
    Pod("team-mate", "blue", {"universe.ai/team": "red"}, "10.0.0.3"),
    Pod("elsewhere", "other", {"app.kubernetes.io/name": "models"}, "10.0.0.4"),
]
MAY_GIVE_TASKS = {
    ("boss", "ann"), ("boss", "bob"), ("of-boss", "ann"), ("of-boss", "bob"),
    ("lead", "ann"), ("lead", "mute"), ("of-lead", "ann"), ("of-lead", "mute"),
    ("of-lead", "lead"),
}  # fmt: skip
"""A session may what its agent may, and so give its own agent tasks if that manages the team."""


@pytest.fixture(scope="module")
def team(worlds: Callable[..., World]) -> World:
    """The team and its sessions, in both namespaces."""
    world = worlds()
    for space in SPACES:
        for name, spec in TEAM.items():
            world.agent(name, space, **spec)
        for name, agent in SESSIONS.items():
            world.session(name, space, agentRef=agent)
    return world


@pytest.fixture(scope="module")
def network(team: World) -> Network:
    """The network of both, with bystanders."""
    return team.network(BYSTANDERS)


@pytest.fixture(scope="module")
def pods(network: Network) -> dict[tuple[str, str], Pod]:
    """The pods of agents and sessions, by namespace and by the name of the agent or session."""
    found = {}
    for pod in network.pods:
        label = "universe.ai/session" if pod.kind == "Job" else "universe.ai/agent"
        if pod.kind in {"Job", "Deployment"}:
            found[pod.namespace, pod.labels[label]] = pod
    assert len(found) == len(SPACES) * (len(TEAM) + len(SESSIONS))
    return found


def test_each_policy_selects_the_pods_of_its_subject_and_no_others(
    network: Network, pods: dict[tuple[str, str], Pod]
) -> None:
    assert len(network.policies) == len(pods)
    for (space, name), pod in pods.items():
        kind = "session" if pod.kind == "Job" else "agent"
        policy = network.policy(f"{kind}-{name}", namespace=space)
        assert network.selected_by(policy) == [pod]
        assert network.selecting(pod) == [policy]


@pytest.mark.parametrize("space", SPACES)
def test_tasks_are_given_by_who_may_and_by_nobody_else(
    network: Network, pods: dict[tuple[str, str], Pod], space: str
) -> None:
    everybody = [*TEAM, *SESSIONS]
    allowed = {
        (one, other)
        for one, other in itertools.permutations(everybody, 2)
        if network.allows(pods[space, one], pods[space, other], port=TASKS)
    }
    assert allowed == MAY_GIVE_TASKS


def test_tasks_are_given_on_the_task_port_only(
    network: Network, pods: dict[tuple[str, str], Pod]
) -> None:
    for one, other in itertools.permutations(pods.values(), 2):
        for port, protocol in ((TASKS, "UDP"), (TASKS + 1, "TCP"), (80, "TCP"), (53, "UDP")):
            assert not network.allows(one, other, port=port, protocol=protocol)


def test_nothing_goes_from_one_namespace_to_another(
    network: Network, pods: dict[tuple[str, str], Pod]
) -> None:
    for one, other in itertools.permutations(pods.values(), 2):
        if one.namespace != other.namespace:
            assert not network.allows(one, other, port=TASKS)


def test_a_worker_reaches_no_other_worker(
    network: Network, pods: dict[tuple[str, str], Pod]
) -> None:
    for one, other in itertools.permutations(("ann", "bob", "of-ann"), 2):
        assert not network.allows(pods["blue", one], pods["blue", other], port=TASKS)


def test_who_manages_without_the_permission_reaches_nobody(
    network: Network, pods: dict[tuple[str, str], Pod]
) -> None:
    mute = pods["blue", "mute"]
    assert mute.labels["manages.universe.ai/ann"] == "true"
    assert mute.labels["universe.ai/team"] == "red"
    for name in (*TEAM, *SESSIONS):
        if name != "mute":
            assert not network.allows(mute, pods["blue", name], port=TASKS)


def test_nothing_else_comes_in(network: Network, pods: dict[tuple[str, str], Pod]) -> None:
    everything: list[End] = [*BYSTANDERS, INTERNET]
    for outside in everything:
        for pod in pods.values():
            for port in (TASKS, 80, 443):
                assert not network.allows(outside, pod, port=port)


@pytest.mark.parametrize(
    "labels",
    [
        {"universe.ai/can-manage-team": "true", "universe.ai/team": "green"},
        {"universe.ai/can-manage-team": "true"},
        {"universe.ai/can-assign-tasks": "true", "manages.universe.ai/bob": "true"},
        {"universe.ai/can-assign-tasks": "true"},
    ],
)
def test_an_agent_is_not_open_to_who_may_give_tasks_to_others(
    team: World, pods: dict[tuple[str, str], Pod], labels: dict[str, str]
) -> None:
    """Not even if no policy confines where that one may connect to."""
    giver = Pod("giver", "blue", labels, "10.0.0.5")
    assert not team.network([giver]).allows(giver, pods["blue", "ann"], port=TASKS)


def test_a_session_takes_nothing_from_anybody(
    team: World, pods: dict[tuple[str, str], Pod]
) -> None:
    """Not even from who may give its agent tasks, and is not confined."""
    may = {"universe.ai/can-assign-tasks": "true", "manages.universe.ai/ann": "true"}
    giver = Pod("giver", "blue", may, "10.0.0.5")
    network = team.network([giver])
    assert network.allows(giver, pods["blue", "ann"], port=TASKS)
    sessions = [pod for pod in pods.values() if pod.kind == "Job"]
    for pod, session in itertools.product(network.pods, sessions):
        if pod != session:
            assert not network.allows(pod, session, port=TASKS)


def test_dns_is_asked_on_its_port_over_udp_and_tcp(
    network: Network, pods: dict[tuple[str, str], Pod], dns: Pod
) -> None:
    for pod in pods.values():
        asks = pod.running
        for protocol in ("UDP", "TCP"):
            assert network.allows(pod, dns, port=53, protocol=protocol) is asks
        assert not network.allows(pod, dns, port=53, protocol="SCTP")
        assert not network.allows(pod, dns, port=5353, protocol="UDP")
        assert not network.allows(pod, dns, port=9153)


@pytest.mark.parametrize(
    "impostor",
    [
        Pod("dns-here", "blue", {"k8s-app": "kube-dns"}, "10.0.0.5"),
        Pod("other", "kube-system", {"k8s-app": "metrics-server"}, "10.0.0.6"),
    ],
)
def test_what_is_not_the_clusters_dns_is_not_asked(
    team: World, pods: dict[tuple[str, str], Pod], impostor: Pod
) -> None:
    network = team.network([impostor])
    for pod in pods.values():
        assert not network.allows(pod, impostor, port=53, protocol="UDP")


def test_nothing_else_goes_out(network: Network, pods: dict[tuple[str, str], Pod]) -> None:
    everything: list[End] = [*BYSTANDERS, INTERNET, External("2001:db8::1")]
    for pod in pods.values():
        for outside in everything:
            for port, protocol in ((53, "UDP"), (TASKS, "TCP"), (443, "TCP"), (443, "UDP")):
                assert not network.allows(pod, outside, port=port, protocol=protocol)


def test_what_is_suspended_is_closed_both_ways(
    network: Network, pods: dict[tuple[str, str], Pod]
) -> None:
    others: list[End] = [*network.pods, INTERNET]
    for (_, name), pod in pods.items():
        assert pod.running is (name not in {"sus", "of-sus"})
        for other in others:
            if not pod.running and other != pod:
                for port, protocol in ((TASKS, "TCP"), (53, "UDP"), (443, "TCP")):
                    assert not network.allows(pod, other, port=port, protocol=protocol)
                    assert not network.allows(other, pod, port=port, protocol=protocol)


def test_a_suspended_manager_reaches_nobody(worlds: Callable[..., World]) -> None:
    world = worlds()
    world.agent("ann", "blue", **TEAM["ann"])
    for suspend in (False, True):
        for name in ("boss", "lead"):
            world.agent(name, "blue", **TEAM[name], suspend=suspend)
            world.session(f"of-{name}", "blue", agentRef=name)
        network = world.network()
        ann = network.pod("agent-ann")
        reaching = [pod for pod in network.pods if network.allows(pod, ann, port=TASKS)]
        assert len(reaching) == (1 if suspend else 5)


def test_the_settings_say_which_port_and_which_dns(worlds: Callable[..., World], dns: Pod) -> None:
    other = {"namespace": "dns", "podLabels": {"app": "coredns", "tier": "core"}}
    world = worlds(None, {"taskPort": 9_000, "dns": other})
    for name in ("boss", "ann"):
        world.agent(name, "blue", **TEAM[name])
    server = Pod("coredns", "dns", {"app": "coredns", "tier": "core"}, "10.96.0.11")
    half = Pod("half", "dns", {"app": "coredns"}, "10.96.0.12")
    network = world.network([server, half])
    boss, ann = network.pod("agent-boss"), network.pod("agent-ann")
    assert network.allows(boss, ann, port=9_000)
    assert not network.allows(boss, ann, port=TASKS)
    asked = [network.allows(ann, each, port=53, protocol="UDP") for each in (server, half, dns)]
    assert asked == [True, False, False]
