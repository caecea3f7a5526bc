"""The reducers' kit bites: each broken reducer fails on the promise that it breaks."""

from __future__ import annotations

from textwrap import dedent, indent
from typing import TYPE_CHECKING, NamedTuple

import pytest

from rynxs.testing.reducer import ReducerConformance

if TYPE_CHECKING:
    from tests.unit.testing.conftest import RunKit

GOOD = """
import copy, datetime, decimal, itertools, time
from pydantic import BaseModel, Field, InstanceOf
from rynxs.api import ConfigModel, Reducer, ReducerPlugin, Resource, SpecModel, Text, hookimpl


class WidgetSpec(SpecModel):
    size: int = Field(ge=0)
    uses: list[Text] = []


WIDGET = dict(group="acme.example", kind="Widget", plural="widgets", scope="Namespaced",
              versions=["v1"], spec=WidgetSpec)


class WidgetReducer(Reducer):
    name = "widget"
    version = "1.0.0"

    @property
    def resources(self):
        return [Resource(**WIDGET)]

    def reduce(self, current, event, view):
        if event.kind == "WidgetDeleted":
            return None
        if event.kind != "WidgetObserved":
            return current
        return self.observed(event.payload)

    def observed(self, payload):
        metadata = payload["object"]["metadata"]
        head = {"name": metadata["name"], "namespace": metadata["namespace"]}
        if "refused" in payload:
            return head | {"refused": payload["refused"]}
        return head | {"spec": copy.deepcopy(payload["object"])["spec"]}

    def dependents(self, subject, view):
        name = subject.rpartition("/")[2]
        return [other for other, current in view.of_kind("acme.example/Widget")
                if name in current.get("spec", {}).get("uses", ())]


@hookimpl
def rynxs_reducer():
    return ReducerPlugin(
        name="widget", settings=ConfigModel, create=lambda settings: WidgetReducer())
"""
BROKEN = """
from good import *

class Broken(WidgetReducer):
{body}

NAME = "widget"
{settings}

@hookimpl
def rynxs_reducer():
    return ReducerPlugin(name=NAME, settings=Settings, create=lambda settings: Broken())
"""
TEST = """
from rynxs.testing.reducer import ReducerConformance

def widget(name, **spec):
    return {"apiVersion": "acme.example/v1", "kind": "Widget", "metadata": {"name": name},
            "spec": spec}

class Widget(ReducerConformance):
    objects = [widget("a", size=1), widget("b", size=2, uses=list("abcdefgh"))]
    hash_seeds = (1, 2)

class TestGood(Widget):
    plugin_module = "good"

class TestGoodOfTheCluster(Widget):
    plugin_module = "GoodOfTheCluster"
    objects = [widget("a", size=1), widget("b", size=2) | {"apiVersion": "acme.example/v2"}]
    objects[0]["metadata"]["namespace"] = "of no meaning"
    test_every_process_gives_the_same = None
"""


OF_THE_CLUSTER = """
    @property
    def resources(self):
        return [Resource(**WIDGET | {"scope": "Cluster", "versions": ["v1", "v2"]})]

    def observed(self, payload):
        assert "namespace" not in payload["object"]["metadata"]
        return {"size": payload["object"].get("spec")}
"""


class Case(NamedTuple):
    """A broken reducer.

    Attributes:
        body: what it overrides in the good one.
        breaks: the tests that fail.
        says: part of what one of them says.
        settings: where it has settings of its own.
        samples: where the sample objects are at fault.
    """

    body: str
    breaks: set[str]
    says: str
    settings: str = "Settings = ConfigModel"
    samples: str = "pass"


PURE = "test_no_clock_environment_file_or_random_number_is_read"
AGAIN = "test_the_same_call_gives_the_same_again"
UNCHANGED = "test_nothing_that_is_passed_in_is_changed"
EVERYWHERE = "test_every_process_gives_the_same"
REPLAY = "test_replay_gives_what_the_live_run_gave"
DECIDES = "test_a_kind_that_decides_a_slice_needs_nothing_that_was_before"
SAMPLED = {
    "test_a_deletion_removes_the_slice_or_changes_it",
    "test_a_valid_object_gets_a_slice",
    "test_an_event_of_an_unknown_kind_leaves_the_slice_as_it_is",
    "test_an_object_that_was_refused_is_taken_in",
    "test_the_samples_are_valid_and_of_every_kind_it_owns",
}
ALL = {name for name in dir(ReducerConformance) if name.startswith("test_")}
INSTALLED = {
    "acme-1.dist-info/METADATA": "Metadata-Version: 2.1\nName: acme\nVersion: 1\n",
    "acme-1.dist-info/entry_points.txt": "[rynxs]\nreducer.gadget = IsInstalledAsAnother\n",
}
CASES = {
    "ReadsTheClock": Case(
        """
        def observed(self, payload):
            try:
                assert time.time() < 0
            except AssertionError:
                return super().observed(payload)
        """,
        {PURE},
        "time.time() <- observed (ReadsTheClock.py:8) <- reduce (good.py:",
    ),
    "ReadsTheClockForDependents": Case(
        """
        def dependents(self, subject, view):
            return sorted(super().dependents(subject, view), key=lambda name: time.time_ns() > 0)
        """,
        {PURE},
        "time.time_ns() <- <lambda> (ReadsTheClockForDependents.py:7) <- dependents (",
    ),
    "ReadsTheClockToJudge": Case(
        """
        governs = frozenset({"acme.example/Widget"})

        def judge(self, subject, current, view, occasion):
            assert time.time() > occasion.seq
            return None
        """,
        {PURE},
        "time.time() <- judge (ReadsTheClockToJudge.py:",
    ),
    "MightChangeAVerdict": Case(
        """
        governs = frozenset({"acme.example/Widget"})

        def judge(self, subject, current, view, occasion):
            last = view.verdict(subject) or {"conditions": []}
            last["conditions"].sort()
            return {"conditions": [], "patch": {}, "holds": {}, "refused": occasion.is_planned}
        """,
        {UNCHANGED},
        "list.sort <- judge (MightChangeAVerdict.py:",
    ),
    "CountsItsCalls": Case(
        """
        calls = itertools.count()

        def observed(self, payload):
            return super().observed(payload) | {"calls": next(self.calls)}
        """,
        {AGAIN, REPLAY},
        "calls: 0 -> 1",
    ),
    "RemembersTheFirst": Case(
        """
        first = None

        def observed(self, payload):
            self.first = self.first or payload["object"]["metadata"]["name"]
            return super().observed(payload) | {"first": self.first}
        """,
        {AGAIN},
        "made by a new instance, it must give the same\n  returned.first: 'a' -> 'b'",
    ),
    "ChangesAPayload": Case(
        """
        def observed(self, payload):
            after = super().observed(payload)
            payload["object"]["kind"] = "Gadget"
            return after
        """,
        {UNCHANGED},
        "payload.object.kind: 'Widget' -> 'Gadget'",
    ),
    "MightChangeAPayload": Case(
        """
        def observed(self, payload):
            payload["object"].get("spec", {}).pop("no sample has this", None)
            return super().observed(payload)
        """,
        {UNCHANGED},
        "dict.pop <- observed (MightChangeAPayload.py:",
    ),
    "SortsAnotherSlice": Case(
        """
        def dependents(self, subject, view):
            for _, current in view.of_kind("acme.example/Widget"):
                current.get("spec", {}).get("uses", []).sort()
            return super().dependents(subject, view)
        """,
        {UNCHANGED},
        "list.sort <- dependents (SortsAnotherSlice.py:",
    ),
    "KeepsTheOrderOfASet": Case(
        """
        def observed(self, payload):
            uses = payload["object"].get("spec", {}).get("uses", ())
            return super().observed(payload) | {"uses": list(set(uses))}
        """,
        {EVERYWHERE},
        "must give the same in every process\n  returned.uses[0]: ",
    ),
    "KnowsTheTimeZone": Case(
        """
        def observed(self, payload):
            hour = datetime.datetime.fromtimestamp(0).hour
            return super().observed(payload) | {"hour": hour}
        """,
        {EVERYWHERE},
        "returned.hour: ",
    ),
    "ReturnsADecimal": Case(
        """
        def observed(self, payload):
            return super().observed(payload) | {"half": [decimal.Decimal("0.5")]}
        """,
        {"test_every_slice_is_a_map_of_json_values", REPLAY},
        "$.half[0]: found Decimal, allowed are JSON's types",
    ),
    "LosesAnObject": Case(
        "def observed(self, payload): return None",
        {"test_a_valid_object_gets_a_slice"},
        "WidgetObserved of acme.example/Widget/default/a must give a slice",
    ),
    "NeedsASpec": Case(
        """
        def observed(self, payload):
            return {"spec": payload["object"]["spec"]}
        """,
        {"test_an_object_that_was_refused_is_taken_in", REPLAY},
        "that was refused, without a spec, of acme.example/Widget/default/a, but raised KeyError",
    ),
    "IgnoresADeletion": Case(
        """
        def reduce(self, current, event, view):
            if event.kind == "WidgetDeleted":
                return current
            return super().reduce(current, event, view)
        """,
        {"test_a_deletion_removes_the_slice_or_changes_it"},
        "WidgetDeleted of acme.example/Widget/default/a must return None or a slice that differs",
    ),
    "ForgetsAtAnUnknownEvent": Case(
        """
        def reduce(self, current, event, view):
            return self.observed(event.payload) if event.kind == "WidgetObserved" else None
        """,
        {"test_an_event_of_an_unknown_kind_leaves_the_slice_as_it_is"},
        "UnheardOf must leave the slice as it is",
    ),
    "NamesNoSubject": Case(
        """
        def dependents(self, subject, view):
            return [subject + "!"]
        """,
        {"test_dependents_are_subjects"},
        "acme.example/Widget/default/a!",
    ),
    "IsInstalledAsAnother": Case(
        "pass",
        {"test_its_entry_point_bears_its_name"},
        "the entry point must be called 'reducer.widget'; installed as ['reducer.gadget']",
    ),
    "BearsNoProperName": Case(
        'name = "Widget"',
        {"test_the_module_implements_its_hook_and_no_other"},
        "the name 'Widget' must be lower-case letters, digits, '-' and '_'",
        settings='NAME = "Widget"\nSettings = ConfigModel',
    ),
    "BearsAnotherName": Case(
        'name = "gadget"', {"test_it_makes_what_it_declares"}, "'gadget' must be called 'widget'"
    ),
    "HasNoVersion": Case(
        'version = ""', {"test_it_makes_what_it_declares", REPLAY}, "version '' can't be recorded"
    ),
    "OwnsAKindTwice": Case(
        """
        @property
        def resources(self):
            return [Resource(**WIDGET), Resource(**WIDGET)]
        """,
        {"test_no_two_resources_are_of_one_kind", REPLAY},
        "each kind must stand once, and these do not: [('acme.example', 'Widget')]",
    ),
    "DeclaresABadPlural": Case(
        """
        @property
        def resources(self):
            return [Resource(**WIDGET | {"plural": "Widgets", "versions": ["v1", "v1"]})]
        """,
        {"test_its_resources_are_well_formed"},
        "acme.example/Widget: plural, versions must be well formed",
    ),
    "TakesAnySpec": Case(
        """
        @property
        def resources(self):
            return [Resource(**WIDGET | {"spec": type("Loose", (BaseModel,), {})})]
        """,
        {"test_its_specs_have_a_json_schema_and_refuse_unknown_fields"},
        "Widget: Loose must be derived from rynxs.api.SpecModel",
    ),
    "TakesAnySetting": Case(
        "pass",
        {"test_its_settings_refuse_an_unknown_key"},
        "Settings must refuse the key 'noSuchSettingExists'",
        settings="class Settings(ConfigModel, extra='ignore'): pass",
    ),
    "HasASetForASetting": Case(
        "pass",
        {"test_its_settings_survive_being_recorded"},
        "Input should be a valid frozenset",
        settings="class Settings(ConfigModel):\n    names: frozenset[str] = frozenset()",
    ),
    "HasASettingThatNoSchemaDescribes": Case(
        "pass",
        {"test_its_settings_have_a_json_schema"},
        "Cannot generate a JsonSchema",
        settings="class Settings(ConfigModel):\n    at: InstanceOf[decimal.Context] | None = None",
    ),
    "HasABadSample": Case(
        "pass",
        {"test_the_samples_are_valid_and_of_every_kind_it_owns"},
        "the sample Widget a must be valid\n  spec.size: found 'large'; ",
        samples='objects = [widget("a", size="large")]',
    ),
    "ImplementsTwoHooks": Case(
        "pass",
        ALL,
        "implements rynxs_reducer, rynxs_sink; it must be rynxs_reducer and no other",
        settings="Settings = ConfigModel\n@hookimpl\ndef rynxs_sink(): pass",
    ),
    "SaysThatOneEventDecidesAndCounts": Case(
        """
        decided_by = frozenset({"WidgetObserved", "WidgetDeleted"})

        def reduce(self, current, event, view):
            after = super().reduce(current, event, view)
            if after is None or event.kind != "WidgetObserved":
                return after
            return after | {"count": (current or {}).get("count", 0) + 1}
        """,
        {DECIDES},
        "must give the same slice after any other, as decided_by says",
    ),
    "HasNoSample": Case(
        "pass", SAMPLED, "objects is empty; a reducer is judged by", samples="objects = []"
    ),
}


def files() -> dict[str, str]:
    """The good reducer, the broken ones, and a test module that runs the kit on all of them."""
    of_the_cluster = BROKEN.format(body=OF_THE_CLUSTER, settings="Settings = ConfigModel")
    written = {**INSTALLED, "good.py": GOOD, "GoodOfTheCluster.py": of_the_cluster}
    classes = [TEST]
    for name, case in CASES.items():
        body = indent(dedent(case.body), "    ")
        written[f"{name}.py"] = BROKEN.format(body=body, settings=case.settings)
        plugin_module = f"plugin_module = {name!r}"
        # It starts processes; the rest of the broken ones are judged without, to save time.
        omitted = "pass" if EVERYWHERE in case.breaks else f"{EVERYWHERE} = None"
        members = f"{plugin_module}\n    {case.samples}\n    {omitted}"
        classes.append(f"class Test{name}(Widget):\n    {members}\n")
    return {**written, "test_kit.py": "\n".join(classes)}


@pytest.mark.slow
def test_a_good_reducer_passes_and_a_broken_one_fails_on_the_promise_it_breaks(
    run_kit: RunKit,
) -> None:
    """One test, for all of them are judged in one run of pytest."""
    said = run_kit(files())
    failed = {name: set(tests) for name, tests in said.items()}
    good: dict[str, set[str]] = {"Good": set(), "GoodOfTheCluster": set()}
    assert failed == {**good, **{name: case.breaks for name, case in CASES.items()}}
    for name, case in CASES.items():
        assert any(case.says in message for message in said[name].values()), said[name]
