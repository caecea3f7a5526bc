"""Lists of the client, answered page by page as a test wants."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, cast

import pytest

from rynxs.operator.cluster import ClusterError, Listed
from rynxs.operator.kubernetes import KubernetesCluster

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rynxs.operator.transport import Request, Transport

EXPIRED = ClusterError(410, "Expired", "the provided continue parameter is too old")
GONE = ClusterError(404, "NotFound", "the server could not find the requested resource")
SERVED = {"resources": [{"name": "configmaps", "kind": "ConfigMap", "namespaced": True}]}

Answer = dict[str, Any] | ClusterError


class ScriptedTransport:
    """Answers discovery, and everything else with one answer after the other."""

    def __init__(self, answers: Sequence[Answer]) -> None:
        self._answers = list(answers)
        self.asked: list[Request] = []

    async def ask(self, request: Request) -> dict[str, Any]:
        self.asked.append(request)
        answer = SERVED if request.path == "/api/v1" else self._answers.pop(0)
        if isinstance(answer, ClusterError):
            raise answer
        return answer


def page(version: int, *names: str, following: str = "") -> dict[str, Any]:
    metadata = {"resourceVersion": str(version), **({"continue": following} if following else {})}
    items = [{"metadata": {"name": name}} for name in names]
    return {"kind": "PartialObjectMetadataList", "metadata": metadata, "items": items or None}


def listed(answers: Sequence[Answer]) -> tuple[Listed | ClusterError, list[Mapping[str, str]]]:
    """Return what a list comes to, and the query of each request for a page."""
    transport = ScriptedTransport(answers)
    client = KubernetesCluster(cast("Transport", transport), ())
    try:
        found: Listed | ClusterError = asyncio.run(client.list("v1/ConfigMap", "default"))
    except ClusterError as error:
        found = error
    return found, [each.query for each in transport.asked if each.path != "/api/v1"]


def names(found: Listed | ClusterError) -> list[str]:
    assert isinstance(found, Listed)
    return [each["metadata"]["name"] for each in found.objects]


def test_a_list_is_all_of_its_pages() -> None:
    found, queries = listed([page(7, "a", "b", following="x"), page(7, "c")])
    assert names(found) == ["a", "b", "c"]
    assert isinstance(found, Listed)
    assert found.version == "7"
    assert [query.get("continue") for query in queries] == [None, "x"]
    assert {query["limit"] for query in queries} == {"500"}


def test_a_list_of_nothing_is_empty() -> None:
    assert names(listed([page(7)])[0]) == []


def test_a_list_whose_pages_expired_is_begun_again_and_nothing_of_the_old_one_kept() -> None:
    answers: list[Answer] = [
        page(7, "a", "b", following="x"),
        EXPIRED,
        page(9, "b", following="y"),
        page(9, "c"),
    ]
    found, queries = listed(answers)
    assert names(found) == ["b", "c"]
    assert [query.get("continue") for query in queries] == [None, "x", None, "y"]


def test_a_list_that_always_expires_fails() -> None:
    found, queries = listed([page(7, "a", following="x"), EXPIRED] * 3)
    assert found is EXPIRED
    assert len(queries) == 6


@pytest.mark.parametrize(
    "answer", [{}, {"kind": "Status", "status": "Success"}, {"items": [], "metadata": {}}]
)
def test_what_is_no_list_is_not_taken_for_an_empty_one(answer: dict[str, Any]) -> None:
    found, _ = listed([answer])
    assert isinstance(found, ClusterError)
    assert str(found) == "GET /api/v1/namespaces/default/configmaps: the answer is no list"


def test_a_kind_is_asked_for_once_and_again_when_its_path_is_gone() -> None:
    transport = ScriptedTransport([page(7), page(7), GONE, page(9)])
    client = KubernetesCluster(cast("Transport", transport), ())

    async def work() -> None:
        await client.list("v1/ConfigMap", "default")
        await client.list("v1/ConfigMap", "default")
        with pytest.raises(ClusterError):
            await client.list("v1/ConfigMap", "default")
        await client.list("v1/ConfigMap", "default")

    asyncio.run(work())
    discoveries = [each.path == "/api/v1" for each in transport.asked]
    assert discoveries == [True, False, False, False, True, False]
