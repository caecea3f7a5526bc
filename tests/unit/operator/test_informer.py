"""Informers, on a cluster that says what a test wants."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from rynxs.operator.cluster import Bookmark, ClusterError, Listed, Seen, as_it_is
from rynxs.operator.informer import Failure, Followed, Informer
from tests.unit.operator.scripted import Listener, Over, ScriptedCluster

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rynxs.operator.cluster import Reduce
    from tests.unit.operator.scripted import Says

FORBIDDEN = ClusterError(403, "Forbidden", "may not list")
EXPIRED = ClusterError(410, "Expired", "too old resource version")
NOT_SERVED = ClusterError(404, "NotServed", "install its CustomResourceDefinition")
NO_ANSWER = ClusterError(0, "", "connection refused")
BUSY = ClusterError(429, "TooManyRequests", "storage is (re)initializing", 7.0)
VERY_BUSY = ClusterError(429, "TooManyRequests", "storage is (re)initializing", 3600.0)


def thing(name: str, version: int = 1) -> dict[str, Any]:
    return {"metadata": {"name": name, "resourceVersion": str(version)}, "spec": {"size": 1}}


def listed(version: int, *names: str) -> Listed:
    return Listed([thing(name) for name in names], str(version))


def seen(name: str, version: int) -> Seen:
    return Seen(is_gone=False, object=thing(name, version))


def gone(name: str, version: int) -> Seen:
    return Seen(is_gone=True, object=thing(name, version))


def bookmark(version: int) -> Bookmark:
    return Bookmark(str(version))


def an_informer(
    says: Sequence[Says], *, is_whole: bool = False, reduced: Reduce = as_it_is
) -> tuple[Informer, ScriptedCluster, list[str]]:
    story: list[str] = []
    cluster = ScriptedCluster(says, story)
    listener = Listener(story)
    followed = Followed("v1/ConfigMap", "default", is_whole, reduced)
    return Informer(cluster, followed, listener.hears(), listener.sleep), cluster, story


def story_of(says: Sequence[Says], **options: Any) -> list[str]:
    """Return all that was asked, told and slept until the cluster had no more to say."""
    informer, _, story = an_informer(says, **options)
    with pytest.raises(Over):
        asyncio.run(informer.run())
    return story


STORIES: dict[str, tuple[Sequence[Says], str]] = {
    "what happens is told, and watched on from there": (
        [listed(5, "a", "b"), [seen("c", 6), gone("a", 7), bookmark(9)], [seen("d", 10)]],
        "list; listed a b; watch 5; seen c; gone a; watch 9; seen d; watch 10",
    ),
    "410 in the middle: listed anew at once, without what vanished": (
        [listed(5, "a", "b"), [seen("c", 6), EXPIRED], listed(20, "b")],
        "list; listed a b; watch 5; seen c; list; listed b; watch 20",
    ),
    "410 for the watch itself: likewise": (
        [listed(5, "a"), EXPIRED, listed(20)],
        "list; listed a; watch 5; list; listed; watch 20",
    ),
    "410 again and again is a failure": (
        [listed(5), EXPIRED, listed(6), [EXPIRED], listed(7), EXPIRED, listed(8)],
        (
            "list; listed; watch 5; list; listed; watch 6; failed 410, 1; slept 0.5; list; "
            "listed; watch 7; failed 410, 2; slept 1; list; listed; watch 8"
        ),
    ),
    "410 is none if something was told in between": (
        [listed(5), [EXPIRED], listed(6), [bookmark(7), EXPIRED], listed(8)],
        "list; listed; watch 5; list; listed; watch 6; list; listed; watch 8",
    ),
    "410 for a list is a failure": (
        [EXPIRED, listed(5)],
        "list; failed 410, 1; slept 0.5; list; listed; watch 5",
    ),
    "403 for the list: nothing is gone, and it is tried again": (
        [FORBIDDEN, FORBIDDEN, FORBIDDEN, listed(5, "a")],
        (
            "list; failed 403, 1; slept 0.5; list; failed 403, 2; slept 1; list; failed 403, 3; "
            "slept 2; list; listed a; watch 5"
        ),
    ),
    "403 for the watch: no list, for nothing is lost": (
        [listed(5, "a"), FORBIDDEN, FORBIDDEN, [seen("b", 6)]],
        (
            "list; listed a; watch 5; failed 403, 1; slept 0.5; watch 5; failed 403, 2; slept 1; "
            "watch 5; seen b; watch 6"
        ),
    ),
    "no answer: watched on from what was told last": (
        [listed(5), [seen("a", 6), NO_ANSWER], NO_ANSWER, [seen("b", 7), NO_ANSWER]],
        (
            "list; listed; watch 5; seen a; failed 0, 1; slept 0.5; watch 6; failed 0, 2; "
            "slept 1; watch 6; seen b; failed 0, 1; slept 0.5; watch 7"
        ),
    ),
    "a kind that is not served is told": (
        [NOT_SERVED, listed(5)],
        "list; failed 404, 1; slept 0.5; list; listed; watch 5",
    ),
    "a kind that is no longer served: nothing is gone until there is a list": (
        [listed(5, "a"), [NOT_SERVED], NOT_SERVED, listed(9)],
        "list; listed a; watch 5; list; failed 404, 1; slept 0.5; list; listed; watch 9",
    ),
    "a watch that had nothing to tell is asked for again": (
        [listed(5), [], NO_ANSWER, [], NO_ANSWER],
        (
            "list; listed; watch 5; watch 5; failed 0, 1; slept 0.5; watch 5; watch 5; "
            "failed 0, 1; slept 0.5; watch 5"
        ),
    ),
    "who asks to be left alone is": (
        [BUSY, listed(5)],
        "list; failed 429, 1; slept 7; list; listed; watch 5",
    ),
    "but not for longer than half a minute": (
        [VERY_BUSY, listed(5)],
        "list; failed 429, 1; slept 30; list; listed; watch 5",
    ),
}


@pytest.mark.parametrize("name", STORIES)
def test_an_informer_tells_what_there_is_and_misses_nothing(name: str) -> None:
    says, story = STORIES[name]
    assert "; ".join(story_of(says)) == story


def test_it_never_waits_for_more_than_half_a_minute() -> None:
    slept = [each for each in story_of([NO_ANSWER] * 12) if each.startswith("slept")]
    assert slept[:3] + slept[-1:] == ["slept 0.5", "slept 1", "slept 2", "slept 30"]


def test_whole_objects_are_listed_and_watched_as_such() -> None:
    assert story_of([listed(5, "a"), [seen("b", 6)]], is_whole=True) == (
        ["whole", "list", "listed a", "whole", "watch 5", "seen b", "whole", "watch 6"]
    )


def test_what_is_handed_over_is_reduced() -> None:
    heard: list[Mapping[str, Any]] = []

    async def hear_list(found: Listed) -> None:
        heard.extend(found.objects)

    async def hear(told: Seen) -> None:
        heard.append(told.object)

    informer, _, _ = an_informer(
        [listed(5, "a"), [seen("b", 6)]], reduced=lambda found: {"name": found["metadata"]["name"]}
    )
    informer._hears = informer._hears._replace(listed=hear_list, seen=hear)
    with pytest.raises(Over):
        asyncio.run(informer.run())
    assert heard == [{"name": "a"}, {"name": "b"}]


def test_it_is_synced_from_a_complete_list_on_until_history_is_lost() -> None:
    says: list[Says] = [
        FORBIDDEN,
        listed(5),
        FORBIDDEN,
        [seen("a", 6), EXPIRED],
        NO_ANSWER,
        listed(9),
    ]
    informer, _, _ = an_informer(says)
    states: list[tuple[str, bool, int | None]] = []

    def note(what: str) -> None:
        error = informer.error
        states.append((what, informer.is_synced, None if error is None else error.status))

    async def failed(failure: Failure) -> None:
        assert failure.followed.kind == "v1/ConfigMap"
        note("failed")

    async def hear(told: Seen) -> None:
        note("seen")

    informer._hears = informer._hears._replace(seen=hear, failed=failed)
    with pytest.raises(Over):
        asyncio.run(informer.run())
    assert states == [
        ("failed", False, 403),
        ("failed", True, 403),
        ("seen", True, None),
        ("failed", False, 0),
    ]
    assert (informer.is_synced, informer.error) == (True, None)


def test_one_can_wait_until_it_is_synced() -> None:
    informer, _, story = an_informer([NO_ANSWER, listed(5, "a"), [seen("b", 6)]])

    async def wait() -> list[str]:
        waiting = asyncio.create_task(informer.synced())
        with pytest.raises(Over):
            await informer.run()
        await waiting
        return story

    assert "listed a" in asyncio.run(wait())


def test_nothing_more_is_read_while_a_listener_is_at_it() -> None:
    informer, cluster, story = an_informer([listed(5), [seen("a", 6), seen("b", 7)]])
    heard = asyncio.Event()

    async def hear(told: Seen) -> None:
        story.append(told.object["metadata"]["name"])
        heard.set()
        await asyncio.Event().wait()

    async def main() -> None:
        informer._hears = informer._hears._replace(seen=hear)
        following = asyncio.create_task(informer.run())
        await heard.wait()
        following.cancel()
        with pytest.raises(asyncio.CancelledError):
            await following

    asyncio.run(main())
    assert story == ["list", "listed", "watch 5", "a"]
    assert cluster.closed == 1


def test_what_was_not_taken_is_told_again() -> None:
    """A listener that fails leaves the version as it was."""
    informer, _, story = an_informer([listed(5), [seen("a", 6)], [seen("a", 6)]])

    async def refuse(told: Seen) -> None:
        raise KeyError

    async def main() -> None:
        hears = informer._hears
        informer._hears = hears._replace(seen=refuse)
        with pytest.raises(KeyError):
            await informer.run()
        informer._hears = hears
        with pytest.raises(Over):
            await informer.run()

    asyncio.run(main())
    assert story == ["list", "listed", "watch 5", "watch 5", "seen a", "watch 6"]
