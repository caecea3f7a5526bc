"""Rendered objects: in whatever order it is told, it is known in the end what is there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from hypothesis import given
from hypothesis import strategies as st

from rynxs.operator.cluster import Listed, Seen
from tests.unit.operator.rig import SUBJECT
from tests.unit.operator.test_rendered import CONFIGS, OTHER, Heard, shown
from tests.unit.operator.virtual_time import run

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from rynxs.operator.leader import StatusSeen

    Call = Callable[[Heard], Awaitable[None]]

IDS = {name: f"v1/ConfigMap/default/{name}" for name in "ab"}


class Change(NamedTuple):
    """What becomes of an object.

    Attributes:
        name: of the object.
        subject: whose it is then; None: it is deleted, if it is there.
        is_lost: whether no watch tells of it; then what there is is listed anew.
        answered: before which call its answer is heard of, if it was our own; None if it was not.
    """

    name: str
    subject: str | None
    is_lost: bool
    answered: int | None


_changes = st.lists(
    st.builds(
        Change,
        st.sampled_from(sorted(IDS)),
        st.sampled_from([SUBJECT, OTHER, None]),
        st.booleans(),
        st.none() | st.integers(0, 8),
    ),
    max_size=8,
)


def states(changes: list[Change]) -> list[dict[str, Any]]:
    """Return what there is before the first change, and after each."""
    found: list[dict[str, Any]] = [{}]
    for version, change in enumerate(changes, 101):
        after = {name: each for name, each in found[-1].items() if name != change.name}
        if change.subject is not None:
            status = str(version)
            after[change.name] = shown(version, change.subject, status, name=change.name)
        found.append(after)
    return found


def informed(changes: list[Change], start: int) -> list[Call]:
    """Return what an informer tells that lists after `start` changes."""
    found = states(changes)

    def lists(count: int) -> Call:
        listed = Listed(list(found[count].values()), str(100 + count))
        return lambda heard: heard.rendered.listed(CONFIGS, listed)

    def sees(seen: Seen) -> Call:
        return lambda heard: heard.rendered.seen(CONFIGS, seen)

    calls = [lists(start)]
    for number, change in list(enumerate(changes))[start:]:
        if change.is_lost:
            if number + 1 == len(changes) or not changes[number + 1].is_lost:
                calls.append(lists(number + 1))
            continue
        before, after = (found[each].get(change.name) for each in (number, number + 1))
        if after is not None:
            calls.append(sees(Seen(False, after)))
        elif before is not None:
            metadata = {**before["metadata"], "resourceVersion": str(101 + number)}
            calls.append(sees(Seen(True, {**before, "metadata": metadata})))
    return calls


def answer(heard: Heard, changes: list[Change], call: int) -> None:
    """Hear of answers to writes of our own.

    Of an answer that comes after a list from which its object is missing, though it was never
    known before, it is found out when that object is written to again.
    """
    for number, change in enumerate(changes):
        metadata = states(changes)[number + 1].get(change.name, {}).get("metadata")
        is_known = call == 0 or heard.present.get(IDS[change.name]) is not None
        if change.answered == call and metadata is not None and is_known:
            heard.present.put(IDS[change.name], metadata)


@given(_changes, st.data())
def test_in_whatever_order_news_and_answers_come_it_is_known_in_the_end_what_is_there(
    changes: list[Change], data: st.DataObject
) -> None:
    calls = informed(changes, data.draw(st.integers(0, len(changes)), label="listed first"))
    statuses: dict[tuple[str, str], str] = {}

    async def tell(seen: StatusSeen) -> None:
        statuses[seen.subject, seen.id] = seen.status["phase"]

    async def main() -> None:
        heard = Heard()
        await heard.rendered.told_to(heard.looks.append, tell)
        for number, call in enumerate(calls):
            answer(heard, changes, number)
            await call(heard)
        answer(heard, changes, len(calls))
        there = states(changes)[-1]
        for name, identifier in IDS.items():
            found = there.get(name)
            assert heard.present.get(identifier) == (None if found is None else found["metadata"])
            if found is not None:
                subject = heard.present.subject_of(identifier)
                assert statuses[subject, identifier] == found["status"]["phase"]

    run(main())
