"""``rynxs log why``, of what the cluster has said to a plan, and of what names no subject."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from rynxs.embedded.why import explain
from rynxs.errors import UsageError
from rynxs.operator.cluster import Place
from rynxs.operator.notices import notices_of
from rynxs.operator.objects import Held
from tests.unit.operator.test_takeover import Memory, led, observe

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from rynxs.operator.takeover import Lead
    from tests.conftest import Cli

WORKER = "universe.ai/Agent/default/worker"
DEPLOYMENT = "apps/v1/Deployment/default/agent-worker"
REASON = "403 Forbidden: may not"


@pytest.fixture
def config() -> Memory:
    return Memory()


@pytest.fixture
def lead(config: Memory, agent: Callable[..., dict[str, Any]]) -> Lead:
    """Lead a log in which an agent is observed (1) and planned (2)."""
    made = led(config)
    observe(made, agent)
    return made


def record(lead: Lead) -> None:
    lead.log.append(lead.pipeline.take_entries(), lead.positions.appended)


@pytest.mark.parametrize("field", [None, "conditions.Applied"])
def test_what_the_cluster_refused_goes_back_to_the_plan_and_who_asked_for_it(
    config: Memory, lead: Lead, field: str | None
) -> None:
    lead.pipeline.record_failure(WORKER, 2, DEPLOYMENT, REASON, 1)
    record(lead)
    found, causes, standing = explain(lead.sink, config, None, WORKER, field)
    assert (found.field, found.seq) == ("conditions.Applied", 3)
    assert (found.value["reason"], found.value["message"]) == (
        "ApplyFailed",
        f"{DEPLOYMENT}: {REASON}",
    )
    assert [cause.kind for cause in causes] == ["ApplyFailed", "Planned", "AgentObserved"]
    assert causes[-1].actor == "tester (unverified)"
    assert standing is None


def test_what_the_cluster_took_stands_in_nobodys_way_and_is_told_when_asked(
    config: Memory, lead: Lead
) -> None:
    lead.pipeline.record_applied(WORKER, 2, [])
    record(lead)
    with pytest.raises(UsageError, match="is not refused; name a FIELD"):
        explain(lead.sink, config, None, WORKER, None)
    found = explain(lead.sink, config, None, WORKER, "conditions.Applied").found
    assert (found.value["status"], found.seq) == ("True", 3)


def test_what_an_event_tells_to_type_works(config: Memory, lead: Lead) -> None:
    lead.pipeline.record_failure(WORKER, 2, DEPLOYMENT, REASON, 1)
    record(lead)
    about = Held(Place("universe.ai/v1alpha1/Agent", "default", "worker"), "u", "5", 1, b"", b"")
    conditions = [{"type": "Applied", "status": "False", "reason": "ApplyFailed", "message": "no"}]
    log = {"leafHash": "", "origin": "log.example", "seq": 3}
    (notice,) = notices_of(about, {}, {"conditions": conditions, "log": log})
    typed = re.search(r"rynxs log why (\S+) (\S+) and rynxs log show (\d+) ", notice.note)
    assert typed is not None
    subject, field, seq = typed.groups()
    found = explain(lead.sink, config, None, subject, field).found
    assert (found.value["reason"], found.seq) == ("ApplyFailed", int(seq))


def test_a_number_in_place_of_a_subject_is_a_usage_error_in_a_sentence(
    cli: Cli, write: Callable[..., Path], agent: Callable[..., dict[str, Any]]
) -> None:
    assert cli("run", write("m.yaml", agent()), "--log", "file:log").status == 0
    done = cli("log", "why", 2, "--log", "file:log")
    assert done.status == 2
    assert "internal error" not in done.err
    assert "found '2'; expected is a subject" in done.err
    assert "rynxs log show 2 tells" in done.err
