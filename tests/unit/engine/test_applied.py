"""What the records of a subject say of how far its plan has got in the cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from rynxs.engine.applied import Answers
from rynxs.engine.event import Event
from rynxs.engine.pipeline import Taken

if TYPE_CHECKING:
    from tests.unit.engine.conftest import Kit

A = "example.org/Thing/default/a"
CONFIG = "v1/ConfigMap/default/a"


class Told:
    """The answers in the records of a pipeline, in which a thing is observed (1), planned (2)."""

    def __init__(self, kit: Kit) -> None:
        self.pipeline = kit.pipeline()
        self._answers = Answers(A)
        self._size = 0
        kit.observe(self.pipeline, "a", size=1)

    def said(self, *erased: int) -> tuple[str, str, str] | None:
        """Return status, reason and message of the condition that all records so far make."""
        for seq, entry in enumerate(self.pipeline.take_entries(), self._size):
            payload = None if seq in erased else entry.payload
            self._answers.take(Event(seq, 1, 0, entry.kind, entry.subject, payload, entry.cause))
            self._size = seq + 1
        found = self._answers.condition(self.pipeline.state)
        return None if found is None else (found["status"], found["reason"], found["message"])


@pytest.fixture
def told(kit: Kit) -> Told:
    return Told(kit)


def test_a_log_in_which_no_cluster_has_answered_says_nothing(told: Told) -> None:
    assert told.said() is None


def test_what_the_cluster_refused_is_said_until_it_takes_it(told: Told) -> None:
    told.pipeline.record_failure(A, 2, CONFIG, "403 Forbidden: may not", 1)
    assert told.said() == ("False", "ApplyFailed", f"{CONFIG}: 403 Forbidden: may not")
    told.pipeline.record_applied(A, 2, [Taken(CONFIG, "applied", "u-1")])
    assert told.said() == ("True", "Applied", "")


def test_of_a_newer_plan_the_old_answer_says_nothing(kit: Kit, told: Told) -> None:
    told.pipeline.record_failure(A, 2, CONFIG, "403 Forbidden: may not", 1)
    kit.observe(told.pipeline, "a", size=2)
    assert told.said() == ("False", "Applying", "the plan of record 5 is being applied")


def test_what_was_said_of_a_deleted_object_is_not_said_of_the_next(kit: Kit, told: Told) -> None:
    told.pipeline.record_failure(A, 2, CONFIG, "403 Forbidden: may not", 1)
    told.pipeline.delete(A, kit.actor)
    assert told.said() is None
    told.pipeline.record_failure(A, 5, CONFIG, "it stays", 1)
    assert told.said() == ("False", "ApplyFailed", f"{CONFIG}: it stays")


def test_of_an_erased_answer_it_is_known_that_there_was_one(told: Told) -> None:
    told.pipeline.record_failure(A, 2, CONFIG, "403 Forbidden: may not", 1)
    assert told.said(3) == ("False", "ApplyFailed", "(redacted)")
