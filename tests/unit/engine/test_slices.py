"""Slices that are put off, payloads that are looked at quickly: the answers stay the same."""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from rynxs.engine import shapes
from rynxs.engine.composition import Component, Composition
from rynxs.engine.contracts import Reducer
from rynxs.engine.event import Event
from rynxs.engine.state import State
from rynxs.errors import LogCorrupt, PluginError
from rynxs.eventlog import canonical

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rynxs.engine.contracts import View
    from rynxs.engine.resource import Resource
    from tests.unit.engine.conftest import Kit

KINDS = ("ThingObserved", "ThingDeleted", "Planned", "Applied")
STEPS = st.lists(
    st.tuples(st.sampled_from("ab"), st.sampled_from(KINDS), st.integers(0, 2)), max_size=40
)


class Eager(Reducer):
    """A thing's slice is the object; it sees every event when it is folded.

    Attributes:
        calls: how often it was asked.
    """

    name = "thing"
    version = "1"

    def __init__(self, kit: Kit) -> None:
        self._resource = kit.resource
        self.calls = 0

    @property
    def resources(self) -> Sequence[Resource]:
        return (self._resource,)

    def reduce(
        self, current: Mapping[str, Any] | None, event: Event, view: View
    ) -> Mapping[str, Any] | None:
        self.calls += 1
        if event.kind == "ThingDeleted":
            return None
        return event.payload["object"] if event.kind == "ThingObserved" else current


class Lazy(Eager):
    """The same, with the promise that lets it be put off."""

    decided_by = frozenset({"ThingObserved", "ThingDeleted"})


class Failing(Lazy):
    def reduce(
        self, current: Mapping[str, Any] | None, event: Event, view: View
    ) -> Mapping[str, Any] | None:
        raise ZeroDivisionError


def state_of(reducer: Reducer) -> State:
    return State(Composition([Component(reducer, {})], []))


def events_of(steps: Sequence[tuple[str, str, int]]) -> list[Event]:
    return [event_of(seq, *step) for seq, step in enumerate(steps)]


def event_of(seq: int, name: str, kind: str, size: int) -> Event:
    actor = {"authenticated": False, "name": "somebody"}
    metadata: dict[str, Any] = {
        "annotations": {},
        "labels": {},
        "name": name,
        "namespace": "default",
        "uid": None,
    }
    observed = {
        "apiVersion": "example.org/v1",
        "kind": "Thing",
        "metadata": metadata,
        "spec": {"size": size},
    }
    payloads: dict[str, dict[str, Any]] = {
        "ThingObserved": {"actor": actor, "deleting": False, "object": observed},
        "ThingDeleted": {"actor": actor, "uid": None},
    }
    payload = payloads.get(kind, {})
    subject = f"example.org/Thing/default/{name}"
    return Event(seq, 1, seq, kind, subject, canonical.encode(payload))


@given(STEPS)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_slice_that_is_put_off_is_the_one_made_at_once(
    kit: Kit, steps: list[tuple[str, str, int]]
) -> None:
    states = []
    for reducer in (Eager(kit), Lazy(kit)):
        state = state_of(reducer)
        for event in events_of(steps):
            state.fold(event)
        states.append(state)
    eager, lazy_one = states
    assert lazy_one.unplanned == eager.unplanned
    assert lazy_one.slices.items() == eager.slices.items()
    assert lazy_one.digest() == eager.digest()
    assert lazy_one.live() == eager.live()


def test_an_observation_that_the_next_one_replaces_is_never_reduced(kit: Kit) -> None:
    reducer = Lazy(kit)
    state = state_of(reducer)
    for event in events_of([("a", kind, n % 3) for n in range(30) for kind in KINDS[::2]]):
        state.fold(event)
    assert reducer.calls == 0
    state.digest()
    assert reducer.calls == 1


def test_a_failure_that_was_put_off_names_the_record(kit: Kit) -> None:
    state = state_of(Failing(kit))
    state.fold(event_of(0, "a", "ThingObserved", 1))
    with pytest.raises(PluginError, match=r"failed on record 0 .*ZeroDivisionError"):
        state.digest()


def test_a_forged_observation_is_corrupt_once_it_is_read(kit: Kit) -> None:
    state = state_of(Lazy(kit))
    forged = event_of(0, "a", "ThingObserved", 1)
    state.fold(Event(0, 1, 0, forged.kind, "example.org/Thing/default/b", forged.encoded))
    for read in (state.digest, lambda: state.observation("example.org/Thing/default/b")):
        with pytest.raises(LogCorrupt, match="the header names"):
            read()


VALUES: st.SearchStrategy[Any] = st.sampled_from(
    [None, True, 1, "", "x", "ä", "a\n", "a b", "v1", "x" * 300, [], {}, {"a": 1}, {"a": "b"}]
)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [path] if path else []
    if isinstance(value, dict):
        found += [place for key, inner in value.items() for place in places(inner, (*path, key))]
    return found


WHOLE = event_of(0, "a", "ThingObserved", 1).payload


@given(st.sampled_from(places(WHOLE)), VALUES | st.just("remove"))
def test_what_is_seen_to_be_an_observation_is_one_to_the_model_too(
    place: tuple[str, ...], value: Any
) -> None:
    payload = deepcopy(WHOLE)
    inner = payload
    for step in place[:-1]:
        inner = inner[step]
    inner.pop(place[-1])
    if value != "remove":
        inner[place[-1]] = value
    try:
        shapes.Observed.model_validate(payload)
    except ValidationError:
        assert not shapes.is_plainly_observed(payload)


def test_an_ordinary_observation_is_seen_to_be_one() -> None:
    assert shapes.is_plainly_observed(WHOLE)
