"""A session is a run of an agent: what becomes of the agent concerns it, and of others does not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.conftest import World

TOOLS: dict[str, Any] = {"tools": {"allow": ["search"]}}


def plans(world: World) -> int:
    """Return how often the session was planned."""
    return world.told().count("Planned")


def test_a_session_is_planned_when_its_agent_comes_changes_and_goes(world: World) -> None:
    world.session()
    assert plans(world) == 0
    world.agent()
    assert plans(world) == 1
    world.agent(**TOOLS)
    assert plans(world) == 2
    world.delete("Agent", "worker")
    assert plans(world) == 3
    assert world.manifests() == {}


def test_another_agent_does_not_concern_it(world: World) -> None:
    world.agent()
    world.session()
    before = plans(world)
    world.agent("other")
    world.agent("other", **TOOLS)
    world.delete("Agent", "other")
    assert plans(world) == before


def test_once_it_runs_only_whether_its_agent_may_run_concerns_it(world: World) -> None:
    world.running()
    before = plans(world)
    world.agent(**TOOLS)
    assert plans(world) == before
    world.agent(**TOOLS, suspend=True)
    assert plans(world) == before + 1


@pytest.mark.parametrize(
    ("spec", "read"),
    [
        ({}, ["universe.ai/Agent/default/worker"]),
        ({"agentRef": "other"}, ["universe.ai/Agent/default/other"]),
        ({"timeout": "soon"}, []),
    ],
)
def test_it_reads_the_agent_that_its_spec_names(
    world: World, spec: dict[str, Any], read: list[str]
) -> None:
    world.session(**spec)
    reducer = world.composition.reducer("universe.ai/Session")
    assert reducer is not None
    assert list(reducer.reads(world.subject(), world.slice())) == read


@pytest.mark.parametrize(
    "gone",
    [
        pytest.param(None, id="deleted"),
        pytest.param({"role": "boss"}, id="refused"),
        pytest.param({"universeRef": "main"}, id="not judged"),
    ],
)
def test_a_start_that_is_told_late_keeps_no_agent_that_may_not_run(
    world: World, gone: dict[str, Any] | None
) -> None:
    """The status of a Job that is being removed, for the agent went, does not count."""
    world.agent()
    world.session()
    job = world.job()
    if gone is None:
        world.delete("Agent", "worker")
    else:
        world.agent(**gone)
    world.saw({"active": 1}, job=job)
    assert (world.phase(), world.slice()["agent"]) == ("Pending", None)
    assert world.manifests() == {}
    world.agent()
    assert world.job() == job
    world.saw({"active": 1, "failed": 1}, job=job)
    assert world.slice()["agent"]["spec"]["role"] == "worker"
