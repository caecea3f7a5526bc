"""Who asked for a change, and what payloads hold of it."""

from __future__ import annotations

from typing import Any

import pytest

from rynxs.engine.event import Event
from rynxs.engine.observation import Actor, observe
from rynxs.engine.shapes import Observed, check_observation, checked, is_plainly_observed
from rynxs.errors import LogCorrupt
from rynxs.eventlog import canonical
from rynxs.operator.actors import UNKNOWN, Actors
from rynxs.operator.webhook import Asking
from tests.unit.engine.conftest import THING, thing

SUBJECT = "example.org/Thing/default/a"
CREDENTIAL = "sk-canary0123456789abcdefghij"
ROBOT = "system:serviceaccount:ci:robot"


def asking(user: str, uid: str = "u", generation: int | None = 1, **changes: Any) -> Asking:
    told = Asking(uid, generation, False, user, ("system:authenticated",), f"of {user}")
    return told._replace(**changes)


def vouched(user: str) -> Actor:
    return Actor(user, True, ("system:authenticated",), f"of {user}")


def metadata(generation: int | None = 1, *managers: tuple[str, str, str]) -> dict[str, Any]:
    """Return metadata with managers: each a name, a time, and what it manages."""
    fields = [
        {"manager": name, "operation": "Update", "time": time, "fieldsV1": {f"f:{what}": {}}}
        for name, time, what in managers
    ]
    known: dict[str, Any] = {"uid": "u", "managedFields": fields}
    return known if generation is None else known | {"generation": generation}


def test_who_made_a_generation_is_known_by_its_request() -> None:
    actors = Actors()
    actors.take(asking("alice"))
    actors.take(asking(ROBOT, generation=2))
    actors.take(asking("eve", uid="another"))
    seen = metadata(1, ("kubectl", "2026-01-01T00:00:00Z", "spec"))
    assert actors.of(seen) == vouched("alice")
    assert actors.of(seen | {"generation": 2}) == vouched(ROBOT)


def test_a_request_that_came_to_nothing_gives_way_to_the_next_for_the_same_generation() -> None:
    actors = Actors()
    actors.take(asking("eve", generation=2))
    actors.take(asking("alice", generation=2))
    assert actors.of(metadata(2)) == vouched("alice")


@pytest.mark.parametrize("generation", [1, 3, None])
def test_without_a_request_the_last_manager_of_the_spec_is_named_and_nobody_vouches(
    generation: int | None,
) -> None:
    actors = Actors()
    actors.take(asking("alice", generation=2))
    actors.take(asking("bob", generation=None))
    seen = metadata(
        generation,
        ("older", "2026-01-01T00:00:00Z", "spec"),
        ("newest", "2026-01-01T00:00:02Z", "spec"),
        ("rynxs", "2026-01-01T00:00:03Z", "status"),
        ("old", "2026-01-01T00:00:01Z", "spec"),
    )
    assert actors.of(seen) == Actor("newest")


@pytest.mark.parametrize(
    "seen",
    [
        {},
        {"uid": "u", "generation": 1, "managedFields": None},
        metadata(1, ("rynxs", "2026-01-01T00:00:00Z", "status")),
        metadata(1, ("", "2026-01-01T00:00:00Z", "spec")),
        {"managedFields": [{"fieldsV1": {"f:spec": {}}}]},
    ],
)
def test_where_nothing_is_known_of_it_the_actor_is_unknown(seen: dict[str, Any]) -> None:
    assert Actors().of(seen) == UNKNOWN == Actor("unknown")


def test_who_deletes_is_known_and_also_marks_the_object_if_a_finalizer_keeps_it() -> None:
    actors = Actors()
    actors.take(asking("alice", generation=1))
    actors.take(asking("bob", generation=1, is_deletion=True))
    assert actors.of_deletion("u") == vouched("bob")
    assert actors.of(metadata(1)) == vouched("alice")
    assert actors.of(metadata(2)) == vouched("bob")
    assert actors.of_deletion("another") == UNKNOWN


def test_a_deletion_without_a_generation_is_known() -> None:
    actors = Actors()
    actors.take(asking("bob", generation=None, is_deletion=True))
    assert actors.of_deletion("u") == vouched("bob")


def test_the_oldest_requests_are_forgotten() -> None:
    actors = Actors(most=2)
    for uid in ("a", "b", "a", "c"):
        actors.take(asking("alice", uid=uid))
        actors.take(asking("bob", uid=uid, generation=None, is_deletion=True))
    known = {uid: actors.of({"uid": uid, "generation": 1}) != UNKNOWN for uid in "abc"}
    assert known == {"a": True, "b": False, "c": True}
    assert actors.of_deletion("b") == UNKNOWN != actors.of_deletion("a")


@pytest.mark.parametrize(
    "told",
    [
        asking(CREDENTIAL),
        asking("alice", groups=("fine", CREDENTIAL)),
        asking("alice", request_uid=f"https://alice:{CREDENTIAL}@example.org"),
        asking("\ud800"),
        asking(""),
        asking("alice", groups=tuple(f"group {number}" for number in range(10_000))),
    ],
)
def test_an_actor_that_the_log_may_not_hold_is_unknown(told: Asking) -> None:
    actors = Actors()
    actors.take(told)
    actors.take(told._replace(is_deletion=True, generation=None))
    assert actors.of(metadata(1)) == actors.of_deletion("u") == UNKNOWN


def test_a_manager_that_holds_a_credential_is_unknown() -> None:
    assert Actors().of(metadata(1, (CREDENTIAL, "2026-01-01T00:00:00Z", "spec"))) == UNKNOWN


def test_a_payload_says_of_an_actor_only_what_is_known() -> None:
    plain = {"authenticated": False, "name": "alice"}
    assert Actor("alice").as_json() == plain
    known = Actor("alice", True, ("a", "b"), "r").as_json()
    assert known == plain | {"authenticated": True, "groups": ["a", "b"], "request": "r"}
    assert canonical.decode(canonical.encode(known)) == known


def observed(actor: dict[str, Any]) -> Event:
    body = observe(THING, thing("a")).facts | {"actor": actor}
    return Event(1, 1, 1, "ThingObserved", SUBJECT, canonical.encode(body))


@pytest.mark.parametrize(
    "actor",
    [
        Actor("alice"),
        Actor("alice", True, ("a", "b")),
        Actor("alice", True, request="r"),
        Actor("alice", True, ("a",), "r"),
    ],
)
def test_a_recorded_actor_has_its_shape(actor: Actor) -> None:
    event = observed(actor.as_json())
    check_observation(event)
    assert event.has_its_shape
    assert is_plainly_observed(event.payload)
    assert checked(Observed, event).actor.groups == list(actor.groups)


@pytest.mark.parametrize(
    "forged", [{"groups": "a"}, {"groups": [1]}, {"groups": None}, {"request": 1}]
)
def test_a_forged_actor_is_corruption(forged: dict[str, Any]) -> None:
    event = observed(Actor("alice").as_json() | forged)
    assert not is_plainly_observed(event.payload)
    with pytest.raises(LogCorrupt, match="not of its shape"):
        check_observation(event)
