"""Whatever a team is like, its members reach each other exactly as their permissions say."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

from hypothesis import given, settings
from hypothesis import strategies as st

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conftest import World
    from tests.network import Network, Pod

    Place = tuple[str, str]
    """The namespace of an agent, and its name."""

TASKS = 8080
NAMES = ("a", "a-1", "b", "c")
SPACES = ("blue", "green")
TARGETS = ("0.0.0.0/0", "::/0", "rynxs-agent.blue", "rynxs-session.blue:8080")
"""What may stand in allowEgressTo that could lead to other agents, and must not."""


@st.composite
def specs(draw: st.DrawFn) -> dict[str, Any]:
    """Draw the spec of an agent, such as its model takes."""
    role = draw(st.sampled_from(["worker", "manager", "director"]))
    team = draw(st.sampled_from([None, "red", "blue"]))
    leads = role != "worker"
    manages = draw(st.lists(st.sampled_from([*NAMES, "nobody"]), unique=True)) if leads else []
    return {
        "manages": manages,
        "network": {"allowEgressTo": draw(st.lists(st.sampled_from(TARGETS), unique=True))},
        "permissions": {
            "canAssignTasks": bool(manages) and draw(st.booleans()),
            "canManageTeam": leads and team is not None and draw(st.booleans()),
        },
        "role": role,
        "suspend": draw(st.sampled_from([False, False, False, True])),
        "team": team,
    }


TEAMS = st.dictionaries(
    st.tuples(st.sampled_from(SPACES), st.sampled_from(NAMES)), specs(), min_size=2, max_size=6
)
some = settings(deadline=None, max_examples=25)


def may_give_tasks(team: dict[Place, dict[str, Any]], one: Place, other: Place) -> bool:
    """Tell what the permissions say, as the API describes them."""
    giver, taker = team[one], team[other]
    if one[0] != other[0] or giver["suspend"] or taker["suspend"]:
        return False
    may = giver["permissions"]
    is_managed = may["canAssignTasks"] and other[1] in giver["manages"]
    is_mate = giver["team"] is not None and giver["team"] == taker["team"]
    return is_managed or (may["canManageTeam"] and is_mate)


def built(
    world: World, team: dict[Place, dict[str, Any]]
) -> tuple[Network, dict[Place, Pod], dict[Place, Pod]]:
    """Return the network of a team, the pods of its agents, and those of one session of each."""
    for (space, name), spec in team.items():
        world.agent(name, space, **spec)
        world.session(name, space, agentRef=name)
    network = world.network()
    agents, sessions = (
        {
            (pod.namespace, pod.labels["universe.ai/agent"]): pod
            for pod in network.pods
            if pod.kind == kind
        }
        for kind in ("Deployment", "Job")
    )
    assert set(agents) == set(sessions) == set(team)
    return network, agents, sessions


@some
@given(TEAMS)
def test_tasks_are_given_exactly_by_who_manages_and_may(
    worlds: Callable[..., World], team: dict[Place, dict[str, Any]]
) -> None:
    network, agents, sessions = built(worlds(), team)
    for one, other in itertools.product(team, team):
        may = may_give_tasks(team, one, other)
        if one != other:
            assert network.allows(agents[one], agents[other], port=TASKS) is may
        assert network.allows(sessions[one], agents[other], port=TASKS) is may


@some
@given(TEAMS, st.integers(1, 65_535), st.sampled_from(["TCP", "UDP"]))
def test_nothing_else_goes_from_one_to_another(
    worlds: Callable[..., World], team: dict[Place, dict[str, Any]], port: int, protocol: str
) -> None:
    network, agents, sessions = built(worlds(), team)
    both = [*agents.values(), *sessions.values()]
    for one, other in itertools.permutations(both, 2):
        if (port, protocol) != (TASKS, "TCP") or other.kind == "Job":
            assert not network.allows(one, other, port=port, protocol=protocol)


@some
@given(TEAMS)
def test_each_policy_selects_the_pods_of_its_subject(
    worlds: Callable[..., World], team: dict[Place, dict[str, Any]]
) -> None:
    network, agents, sessions = built(worlds(), team)
    for kind, pods in (("agent", agents), ("session", sessions)):
        for (space, name), pod in pods.items():
            policy = network.policy(f"{kind}-{name}", namespace=space)
            assert network.selected_by(policy) == [pod]
