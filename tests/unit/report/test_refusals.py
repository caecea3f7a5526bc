"""Refusals in a report: who stands refused, and what each verdict said."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import pytest

from rynxs.engine.contracts import Reducer
from rynxs.report.findings import findings
from rynxs.report.markdown import markdown
from rynxs.report.page import page
from rynxs.report.refusals import refused_now
from rynxs.report.timeline import timeline
from rynxs.report.verification import Examined, Recomputed, statements
from tests.unit.report.test_page import HOSTILE, Elements

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from tests.conftest import Cli
    from tests.unit.report.conftest import Kit, Story

ONE, TWO = (f"example.org/Note/default/{name}" for name in ("one", "two"))
LONG = "; ".join(f"spec.tags[{number}]: {'far ' * 30}too long" for number in range(50))
LOG = ("--log", "file:log")


class Censor(Reducer):
    """Refuses what is larger than a page, for a reason of one's choice."""

    name = "censor"
    version = "1"
    governs: ClassVar[frozenset[str]] = frozenset({"example.org/Note"})
    resources = ()

    def __init__(self, message: str) -> None:
        self._message = message

    def reduce(self, current: Any, event: Any, view: Any) -> Any:
        return current

    def judge(self, subject: str, current: Any, view: Any, occasion: Any) -> Any:
        if current is None:
            return None
        refused = current.get("size", 1) > 1
        condition = {
            "message": self._message,
            "reason": "TooLarge",
            "status": "False",
            "type": "Accepted",
        }
        conditions = [condition] if refused else []
        return {"conditions": conditions, "holds": {}, "patch": {}, "refused": refused}


def told(story: Story, kit: Kit, erased: Sequence[int] = ()) -> dict[str, Any]:
    """Return the document of a story, with who is refused at its end."""
    entries = story.entries()
    steps = list(kit.steps(story.composition, entries, erased))
    document = kit.document(list(timeline(kit.steps(story.composition, entries, erased))))
    document["findings"].insert(0, refused_now(steps[-1][1]))
    return document


def group(document: Mapping[str, Any], name: str) -> dict[str, Any]:
    (found,) = (each for each in document["findings"] if each["name"] == name)
    return dict(found)


def test_who_stands_refused_is_named_with_the_record_the_reason_and_the_message(kit: Kit) -> None:
    story = kit.story(Censor("size: too large"))
    story.note("one", size=2)
    story.note("two", size=1)
    found = group(told(story, kit), "refusedNow")
    (refused,) = found["refused"]
    assert found["seqs"] == [2]
    assert refused == {
        "byVerdict": True,
        "message": "size: too large",
        "reason": "TooLarge",
        "seq": 2,
        "subject": ONE,
    }


def test_a_refusal_that_was_lifted_stays_found_and_no_longer_stands(kit: Kit) -> None:
    story = kit.story(Censor("size: too large"))
    story.note("one", size=2)
    story.note("one", size=1)
    document = told(story, kit)
    assert group(document, "refusals")["seqs"] == [2]
    assert group(document, "refusedNow")["refused"] == []
    titles = [each["title"] for each in document["events"] if each["kind"] == "Judged"]
    assert titles == ["Refused by verdict", "Judged and not refused"]


def test_a_verdict_is_part_of_its_subjects_state(kit: Kit) -> None:
    story = kit.story(Censor("size: too large"))
    story.note("one", size=2)
    story.note("one", size=1)
    story.delete("one")
    first, second, third = (each for each in kit.timeline(story) if each["kind"] == "Judged")
    (came,) = first["changes"]
    assert (came["path"], came["after"]["refused"]) == (["verdict"], True)
    assert {"path": ["verdict", "refused"], "before": True, "after": False} in second["changes"]
    assert [(each["path"], "after" in each) for each in third["changes"]] == [(["verdict"], False)]
    assert third["title"] == "Verdict withdrawn"


def test_an_erased_verdict_leaves_it_unknown_and_nobody_refused(kit: Kit) -> None:
    story = kit.story(Censor("secret"))
    story.note("one", size=2)
    document = told(story, kit, erased=(2,))
    judged = document["events"][2]
    assert judged["title"] == "Verdict given"
    assert judged["changes"] == [{"path": ["verdictUnknown"], "after": True}]
    assert group(document, "refusedNow")["refused"] == []
    assert "secret" not in page(document)


def test_a_long_message_is_whole_in_every_form(kit: Kit) -> None:
    story = kit.story(Censor(LONG))
    story.note("one", size=2)
    document = told(story, kit)
    assert document["events"][2]["detail"]["verdict"]["conditions"][0]["message"] == LONG
    html, text = page(document), markdown(document)
    last = LONG.rpartition("; ")[2]
    assert html.count(f"{last}<") == 2  # in two groups of findings
    assert f'"message":"{LONG}"' in html  # for the timeline
    assert text.count(LONG.replace("[", "\\[").replace("]", "\\]")) == 3
    assert "Accepted=False \\(TooLarge\\)" in text


def test_a_hostile_message_makes_no_element_of_the_page(kit: Kit) -> None:
    made = []
    for message in ("plain", HOSTILE.replace("; ", "")):
        story = kit.story(Censor(message))
        story.note("one", size=2)
        document = told(story, kit)
        made.append(Elements(page(document)).names)
        assert "<script>alert" not in markdown(document)
    assert made[0] == made[1]


def test_what_was_not_compared_is_counted_by_plans_and_by_verdicts() -> None:
    part = {"needs": ["censor==2"], "seqs": [7, 9]}
    plans, verdicts = Recomputed(5, 5, 0, []), Recomputed(6, 3, 1, [part])
    said = {
        each["what"]: each for each in statements(Examined(9, 1, [], [], 1, plans, verdicts, []))
    }
    assert said["Every plan follows from the log"]["status"] == "verified"
    judged = said["Every verdict follows from the log"]
    assert judged["status"] == "not verified"
    assert judged["detail"] == (
        "3 of 6 verdicts recomputed, and byte for byte as recorded. "
        "2 verdicts not compared: this needs censor==2. "
        "1 verdict not compared: a payload that it takes is erased."
    )


def test_a_log_without_verdicts_says_nothing_of_them() -> None:
    none = Recomputed(0, 0, 0, [])
    said = statements(Examined(9, 0, [], [], 1, Recomputed(5, 5, 0, []), none, []))
    assert not [each for each in said if "verdict" in each["what"]]


def test_findings_do_without_a_verdict_in_what_others_call_one() -> None:
    entry = {"seq": 0, "kind": "Ruled", "detail": {"verdict": "guilty"}}
    assert not any(group["seqs"] for group in findings([entry]))


@pytest.fixture
def refused(cli: Cli, write: Callable[..., Path], agent: Callable[..., dict[str, Any]]) -> None:
    """Worker is refused by its universe, lead by its own kind."""
    universe = {
        "apiVersion": "universe.ai/v1alpha1",
        "kind": "Universe",
        "metadata": {"name": "rules"},
        "spec": {"namespaces": ["default"], "allowed": {"images": ["elsewhere.example/*"]}},
    }
    lead = agent("lead", network={"allowEgressTo": ["www.example.org"]})
    assert cli("run", write("m.yaml", universe, agent(), lead), *LOG).status == 0


def report(cli: Cli, log: str = "file:log") -> dict[str, Any]:
    done = cli("report", "--log", log, "--json", "-")
    assert done.status == 0, done.err
    return dict(done.json())


def test_both_kinds_of_refusal_are_reported_and_every_verdict_recomputed(
    cli: Cli, refused: None
) -> None:
    document = report(cli)
    found = {each["subject"]: each for each in group(document, "refusedNow")["refused"]}
    assert {name.rpartition("/")[2]: each["reason"] for name, each in found.items()} == {
        "lead": "Unsupported",
        "worker": "ImageNotAllowed",
    }
    for subject, each in found.items():
        entry = document["events"][each["seq"]]
        assert entry["subject"] == subject
        assert entry["kind"] == ("Judged" if each["byVerdict"] else "AgentObserved")
    verdicts = document["verification"]["verdicts"]
    kinds = [each["kind"] for each in document["events"]]
    assert verdicts["recorded"] == verdicts["recomputed"] == kinds.count("Judged") > 0


def test_with_erased_plans_and_verdicts_the_numbers_add_up(
    cli: Cli, refused: None, write: Callable[..., Path], agent: Callable[..., dict[str, Any]]
) -> None:
    seen = [
        each["seq"] for each in report(cli)["events"] if each["subject"].endswith("default/worker")
    ]
    image = {"repository": "example.org/agent", "tag": "v2"}
    assert cli("run", write("m.yaml", agent(image=image)), *LOG).status == 0
    assert cli("log", "redact", seen[0], "--reason", "a name", *LOG).status == 0
    document = report(cli)
    for name in ("plans", "verdicts"):
        numbers = document["verification"][name]
        parts = numbers["recomputed"] + numbers["redacted"]
        assert (parts, numbers["incomparable"]) == (numbers["recorded"], []), name
    assert document["verification"]["verdicts"]["redacted"] > 0


def test_a_carried_verdict_is_told_of_the_subject_that_it_is_on(cli: Cli, refused: None) -> None:
    cli("keys", "generate", "key")
    done = cli("log", "rotate", "file:next", *LOG, "--signer", "ed25519:key")
    assert done.status == 0, done.err
    document = report(cli, "file:next")
    assert not [each for each in document["subjects"] if "Verdict/" in each["subject"]]
    found = {each["subject"]: each for each in group(document, "refusedNow")["refused"]}
    carried = document["events"][found["universe.ai/Agent/default/worker"]["seq"]]
    assert carried["kind"] == "Carried"
    assert carried["detail"]["verdict"]["refused"] is True
