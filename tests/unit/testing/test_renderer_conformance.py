"""The renderers' kit bites: each broken renderer fails on the promise that it breaks."""

from __future__ import annotations

from textwrap import dedent, indent
from typing import TYPE_CHECKING, NamedTuple

import pytest

from rynxs.testing.plugin import PluginConformance
from rynxs.testing.renderer import RendererConformance

if TYPE_CHECKING:
    from tests.unit.testing.conftest import RunKit

REDUCER = """
from pydantic import Field
from rynxs.api import ConfigModel, Reducer, ReducerPlugin, Resource, SpecModel, Text, hookimpl


class WidgetSpec(SpecModel):
    size: int = Field(ge=0)
    uses: list[Text] = []


class WidgetReducer(Reducer):
    name = "widget"
    version = "1.0.0"

    def __init__(self, settings):
        self.prefix = settings.prefix

    @property
    def resources(self):
        return [Resource(group="acme.example", kind="Widget", plural="widgets",
                         scope="Namespaced", versions=["v1"], spec=WidgetSpec)]

    def reduce(self, current, event, view):
        if event.kind == "WidgetDeleted":
            return None
        if event.kind != "WidgetObserved":
            return current
        observed = event.payload["object"]
        head = {"name": self.prefix + observed["metadata"]["name"], "uses": []}
        return head if "refused" in event.payload else head | observed["spec"]


class Settings(ConfigModel):
    prefix: str


@hookimpl
def rynxs_reducer():
    return ReducerPlugin(name="widget", settings=Settings, create=WidgetReducer)
"""
GOOD = """
import copy, decimal, os, random, time
from rynxs.api import ConfigModel, Renderer, RendererPlugin, hookimpl, parse_subject


class WidgetRenderer(Renderer):
    name = "widget"
    version = "1.0.0"

    def render(self, subject, current, view):
        if not self.is_mine(subject) or "size" not in current:
            return []
        return self.manifests(parse_subject(subject).namespace, current)

    def is_mine(self, subject):
        return parse_subject(subject).group_kind == "acme.example/Widget"

    def manifests(self, namespace, current):
        return [{
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": current["name"], "namespace": namespace},
            "data": self.data(current),
        }]

    def data(self, current):
        return {"size": str(copy.copy(current)["size"])}


@hookimpl
def rynxs_renderer():
    return RendererPlugin(
        name="widget", settings=ConfigModel, create=lambda settings: WidgetRenderer())
"""
BROKEN = """
from good import *

class Broken(WidgetRenderer):
{body}

@hookimpl
def rynxs_renderer():
    return RendererPlugin(name="widget", settings=ConfigModel, create=lambda settings: Broken())
"""
REVISER = """
from good import *

class Reviser(Renderer):
    name = "reviser"
    version = "1.0.0"
    revises = frozenset({"widget"})

    def render(self, subject, current, view):
        return []

    def revise(self, subject, current, view, manifests):
        if parse_subject(subject).group_kind != "acme.example/Widget":
            return manifests
        return [{**manifest, "kind": "Secret"} for manifest in manifests]

@hookimpl
def rynxs_renderer():
    return RendererPlugin(name="reviser", settings=ConfigModel, create=lambda settings: Reviser())
"""
IDLE = REVISER.replace(', "kind": "Secret"', "")
TEST = """
from rynxs.testing.renderer import RendererConformance

def widget(name, **spec):
    return {"apiVersion": "acme.example/v1", "kind": "Widget", "metadata": {"name": name},
            "spec": spec}

class Widget(RendererConformance):
    reducer_modules = ["acme_widget_reducer"]
    reducer_settings = {"acme_widget_reducer": {"prefix": "widget-"}}
    objects = [widget("a", size=1), widget("b", size=2, uses=list("abcdefgh"))]
    hash_seeds = (1, 2)

class TestGood(Widget):
    plugin_module = "good"

class TestGoodReviser(Widget):
    plugin_module = "reviser"
    renderer_modules = ["good"]
    test_every_process_gives_the_same = None

class TestIdleReviser(TestGoodReviser):
    plugin_module = "idle"
"""


class Case(NamedTuple):
    """A broken renderer: what it overrides, the tests that fail, and part of what one says.

    `kit` is what its test class sets, where that is at fault.
    """

    body: str
    breaks: set[str]
    says: str
    kit: str = "pass"


PURE = "test_no_clock_environment_file_or_random_number_is_read"
UNCHANGED = "test_nothing_that_is_passed_in_is_changed"
EVERYWHERE = "test_every_process_gives_the_same"
REPLAY = "test_replay_gives_what_the_live_run_gave"
WHOLE = "test_every_manifest_has_apiversion_kind_and_name"
FOREIGN = "test_a_subject_of_a_foreign_kind_gets_nothing"
FOREIGN_REVISED = "test_a_renderer_revises_nothing_of_a_foreign_kind"
SOMETHING = "test_it_renders_something_of_the_samples"
TWICE = "test_no_manifest_is_rendered_twice_for_a_subject"
KINDS = "test_what_it_makes_is_of_the_kinds_that_it_declares"
CASES = {
    "DeclaresAnotherKind": Case(
        'kinds = ("v1/Secret",)',
        {KINDS},
        "kinds must name v1/ConfigMap",
    ),
    "RendersForEverybody": Case(
        "def is_mine(self, subject): return True",
        {FOREIGN},
        "render() must return no manifest for foreign.example/Widget/default/a",
    ),
    "IgnoresTheGroup": Case(
        'def is_mine(self, subject): return parse_subject(subject).kind == "Widget"',
        {FOREIGN},
        "render() must return no manifest for foreign.example/Widget/default/a",
    ),
    "RaisesForAForeignKind": Case(
        """
        def is_mine(self, subject):
            assert "acme" in subject
            return True
        """,
        {FOREIGN},
        "but it raised AssertionError",
    ),
    "KeepsTheOrderOfASet": Case(
        "def data(self, current): return {'uses': ','.join(set(current['uses']))}",
        {EVERYWHERE},
        "must give the same in every process\n  returned[0].data.uses: ",
    ),
    "ReadsTheEnvironment": Case(
        """
        def data(self, current):
            os.environ.get("SIZE")
            return super().data(current)
        """,
        {PURE},
        "os.environ <- __getitem__ (<frozen os>:",
    ),
    "DrawsARandomNumber": Case(
        """
        def data(self, current):
            random.choice("ab")
            return super().data(current)
        """,
        {PURE},
        "random.getrandbits() <- ",
    ),
    "MightChangeTheSlice": Case(
        """
        def data(self, current):
            current["uses"].sort()
            return super().data(current)
        """,
        {UNCHANGED},
        "list.sort <- data (MightChangeTheSlice.py:",
    ),
    "ChangesTheSlice": Case(
        """
        def data(self, current):
            current["uses"].append("x")
            return super().data(current)
        """,
        {UNCHANGED, REPLAY},
        "uses[0]: (absent) -> 'x'",
    ),
    "CountsItsCalls": Case(
        """
        count = 0

        def data(self, current):
            self.count += 1
            return {"count": str(self.count)}
        """,
        {"test_the_same_call_gives_the_same_again"},
        "returned[0].data.count: '1' -> '2'",
    ),
    "ReturnsADecimal": Case(
        "def data(self, current): return {'size': decimal.Decimal(current['size'])}",
        {"test_every_manifest_is_a_map_of_json_values", REPLAY},
        "$.data.size: found Decimal, allowed are JSON's types",
    ),
    "ForgetsTheName": Case(
        """
        def manifests(self, namespace, current):
            return [{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {}}]
        """,
        {WHOLE, REPLAY},
        "not a manifest: metadata.name: Field required",
    ),
    "LabelsWithANumber": Case(
        """
        def manifests(self, namespace, current):
            (body,) = super().manifests(namespace, current)
            return [body | {"metadata": body["metadata"] | {"labels": {"size": 1}}}]
        """,
        {WHOLE},
        "metadata.labels: must be a map of text to text",
    ),
    "ForgetsTheNamespace": Case(
        "def manifests(self, namespace, current): return super().manifests(None, current)",
        {"test_every_manifest_of_a_namespaced_kind_names_its_namespace"},
        "v1/ConfigMap/widget-a must have a metadata.namespace",
    ),
    "RendersTwice": Case(
        "def manifests(self, namespace, current): return 2 * super().manifests(namespace, current)",
        {TWICE, REPLAY},
        "rendered twice: v1/ConfigMap/default/widget-a",
    ),
    "NeedsASize": Case(
        """
        def render(self, subject, current, view):
            current["size"]
            return super().render(subject, current, view)
        """,
        {"test_every_slice_can_be_rendered", REPLAY},
        "for acme.example/Widget/default/a: must not raise, but raised KeyError: 'size'",
    ),
    "ChangesWhatItRevises": Case(
        """
        def revise(self, subject, current, view, manifests):
            for manifest in manifests if self.is_mine(subject) else ():
                manifest["data"]["size"] = "0"
            return manifests
        """,
        {UNCHANGED},
        "[3][0].data.size: '1' -> '0'",
    ),
    "MightChangeWhatItRevises": Case(
        """
        def revise(self, subject, current, view, manifests):
            manifests.sort(key=lambda manifest: manifest["kind"])
            return manifests
        """,
        {UNCHANGED},
        "list.sort <- revise (MightChangeWhatItRevises.py:",
    ),
    "RevisesForEverybody": Case(
        """
        def revise(self, subject, current, view, manifests):
            return [{**manifest, "kind": "Secret"} for manifest in manifests]
        """,
        {FOREIGN_REVISED},
        "revise() must return the manifests of foreign.example/Widget/default/a as they are",
    ),
    "ReadsTheClockToRevise": Case(
        """
        def revise(self, subject, current, view, manifests):
            assert time.time() > 0
            return manifests
        """,
        {PURE},
        "time.time() <- revise (ReadsTheClockToRevise.py:",
    ),
    "RaisesToRevise": Case(
        """
        def revise(self, subject, current, view, manifests):
            return [*manifests, manifests[0]["no such member"]] if manifests else manifests
        """,
        {"test_every_slice_can_be_rendered", FOREIGN_REVISED, REPLAY},
        "WidgetObserved, for acme.example/Widget/default/a: must not raise, but raised KeyError",
    ),
    "AddsATwin": Case(
        """
        def revise(self, subject, current, view, manifests):
            return 2 * manifests if self.is_mine(subject) else manifests
        """,
        {TWICE, REPLAY},
        "rendered twice: v1/ConfigMap/default/widget-a",
    ),
    "RevisesWithoutItsPartner": Case(
        'revises = frozenset({"gadget"})',
        {REPLAY},
        "renderer widget==1.0.0 revises what gadget renders, which is not picked",
    ),
    "RendersNothing": Case(
        "def is_mine(self, subject): return False",
        {SOMETHING},
        "objects must hold one that the renderer makes manifests of",
    ),
    "HasNoReducer": Case(
        "pass",
        {name for name in dir(RendererConformance) if name.startswith("test_")}
        - {name for name in dir(PluginConformance) if name.startswith("test_")}
        - {"test_it_makes_what_it_declares"},
        "reducer_modules is empty; a renderer needs slices to render",
        kit="reducer_modules = []",
    ),
}


def files() -> dict[str, str]:
    """A reducer, the good renderer, the broken ones, and tests that run the kit on all of them."""
    written = {"acme_widget_reducer.py": REDUCER, "good.py": GOOD}
    written |= {"reviser.py": REVISER, "idle.py": IDLE}
    classes = [TEST]
    for name, case in CASES.items():
        body = indent(dedent(case.body), "    ")
        written[f"{name}.py"] = BROKEN.format(body=body)
        plugin_module = f"plugin_module = {name!r}"
        # It starts processes; the rest of the broken ones are judged without, to save time.
        omitted = "pass" if EVERYWHERE in case.breaks else f"{EVERYWHERE} = None"
        members = f"{plugin_module}\n    {case.kit}\n    {omitted}"
        classes.append(f"class Test{name}(Widget):\n    {members}\n")
    return {**written, "test_kit.py": "\n".join(classes)}


@pytest.mark.slow
def test_a_good_renderer_passes_and_a_broken_one_fails_on_the_promise_it_breaks(
    run_kit: RunKit,
) -> None:
    """One test, for all of them are judged in one run of pytest."""
    said = run_kit(files())
    failed = {name: set(tests) for name, tests in said.items()}
    good: dict[str, set[str]] = {"Good": set(), "GoodReviser": set()}
    idle = {"IdleReviser": {SOMETHING}}
    assert failed == {**good, **idle, **{name: case.breaks for name, case in CASES.items()}}
    for name, case in CASES.items():
        assert any(case.says in message for message in said[name].values()), said[name]
