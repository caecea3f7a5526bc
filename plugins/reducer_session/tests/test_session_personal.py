"""A session's input is personal: whatever record holds it is salted, so that it can be erased."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from rynxs.engine.resource import holds_personal
from rynxs_reducer_session.model import SessionSpec

if TYPE_CHECKING:
    from collections.abc import Callable

    from rynxs.eventlog.log import Entry
    from tests.conftest import World

TEXT = "ask Erika Mustermann of Berlin"
INPUTS = [
    pytest.param({"text": TEXT}, id="by value"),
    pytest.param({"configMapKeyRef": {"name": "inputs", "key": "erika"}}, id="by reference"),
]


def of_session(world: World, *kinds: str) -> list[Entry]:
    """Return the session's entries of some kinds; there is one of each at least."""
    found = [each for each in world.entries() if each.subject == world.subject()]
    assert set(kinds) <= {each.kind for each in found}
    return [each for each in found if each.kind in kinds]


@pytest.mark.parametrize("given_input", INPUTS)
def test_observations_and_plans_of_a_session_are_salted(
    world: World, given_input: dict[str, Any]
) -> None:
    world.running(input=given_input)
    world.session(input=given_input, suspend=True)
    salts = [each.salt for each in of_session(world, "SessionObserved", "Planned")]
    assert {len(salt) for salt in salts} == {16}
    assert len(set(salts)) == len(salts)


@pytest.mark.parametrize("given_input", INPUTS)
def test_verdicts_on_a_session_are_salted(
    worlds: Callable[..., World], given_input: dict[str, Any]
) -> None:
    world = worlds({"run": {"refused": True}})
    world.agent()
    world.session(input=given_input)
    assert [len(each.salt) for each in of_session(world, "Judged")] == [16]


def test_no_record_that_holds_the_input_is_without_salt(world: World) -> None:
    world.agent()
    world.session(input={"text": TEXT}, ttl="1s")
    world.agent(tools={"allow": ["search"]})
    world.session(input={"text": TEXT}, ttl="1s", suspend=True)
    world.session(input={"text": TEXT}, ttl="1s")
    world.saw({"active": 1})
    world.saw({"conditions": [{"type": "Complete", "status": "True"}]})
    world.passes(1)
    told = [each for each in world.entries() if TEXT.encode() in each.payload]
    assert {each.kind for each in told} == {"SessionObserved", "Planned"}
    assert all(each.salt for each in told)


def test_what_an_older_observation_has_put_into_the_plan_is_salted_too(world: World) -> None:
    world.agent()
    world.session(input={"text": TEXT})
    world.session(input={"text": TEXT}, timeout="soon")  # is refused, so the first spec stays
    world.agent(tools={"allow": ["search"]})
    last = of_session(world, "Planned")[-1]
    assert b"session-run" in last.payload
    assert len(last.salt) == 16


def test_a_refused_input_is_not_recorded(world: World) -> None:
    world.session(input={"text": TEXT, "configMapKeyRef": {"name": TEXT, "key": "k"}})
    assert world.status()["phase"] == "Refused"
    assert not any(TEXT.encode() in each.payload for each in world.entries())


def test_an_agent_is_not_personal(world: World) -> None:
    world.agent()
    assert not any(each.salt for each in world.entries())


@pytest.mark.parametrize(
    ("spec", "is_personal"),
    [
        ({"input": {"text": ""}}, True),
        ({"input": {"configMapKeyRef": {"name": "a", "key": "b"}}}, True),
        ({"input": {"text": None, "configMapKeyRef": {"name": "a", "key": "b"}}}, True),
        ({"agentRef": "worker", "retries": 1}, False),
    ],
)
def test_it_is_the_input_that_is_personal(spec: dict[str, Any], is_personal: bool) -> None:
    assert holds_personal(SessionSpec, spec) is is_personal
