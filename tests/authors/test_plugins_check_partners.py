"""`rynxs plugins check`: who is handed over with a plugin that is nothing without others."""

from __future__ import annotations

from textwrap import indent
from typing import TYPE_CHECKING

import pytest

from rynxs.plugins import PluginManager
from rynxs.testing.check.kits import kit_of
from rynxs.testing.check.samples import sampled
from rynxs.testing.hooks import Pick
from tests.authors.test_plugins_check import REDUCER, SIZE, judged

if TYPE_CHECKING:
    from pathlib import Path

    from rynxs.testing.check.promise import Order
    from tests.authors.conftest import Install
    from tests.conftest import Cli

LIMITS = """
import time
from rynxs.api import ConfigModel, Reducer, ReducerPlugin, Resource, SpecModel, hookimpl

class Spec(SpecModel):
    most: int

class Limits(Reducer):
    name = "limits"
    version = "1"

    @property
    def resources(self):
        return [Resource("acme.example", "Limit", "limits", "Namespaced", ["v1"], Spec)]

    def reduce(self, current, event, view):
        if event.kind == "LimitDeleted":
            return None
        if event.kind != "LimitObserved":
            return current
        return dict(event.payload["object"].get("spec", {{"most": 0}}))

{body}

@hookimpl
def rynxs_reducer():
    return ReducerPlugin("limits", ConfigModel, lambda settings: Limits())
"""
GOVERNS = """
governs = frozenset({"acme.example/Size"})

def judge(self, subject, current, view, occasion):
    if current is None:
        return None
    if current["size"] == 6:  # twice what the sample says, by the settings of its reducer
        LOOK
    return {"conditions": [], "holds": {}, "patch": {}, "refused": current["size"] > 5}
"""
READS = """
def reads(self, subject, current):
    print("[]")
    return ["acme.example/Size/default/one"]

def status(self, subject, current, view, seen):
    size = view.get("acme.example/Size/default/one")
    if size == {"size": 6}:
        LOOK
    return {"size": size}
"""
LIMIT = "apiVersion: acme.example/v1\nkind: Limit\nmetadata: {name: one}\nspec: {most: 5}\n"
PICKED = """
plugins: {reducers: [agent, sizes], renderers: [workload]}
settings: {reducers: {sizes: {factor: 2}}}
"""
RENDERER = """
import time
from rynxs.api import ConfigModel, Renderer, RendererPlugin, hookimpl

class Paints(Renderer):
    name = "{name}"
    version = "1"
    revises = frozenset({revises})

    def render(self, subject, current, view):
        return []

    def revise(self, subject, current, view, manifests):
        if not subject.startswith("universe.ai/Agent/"):
            return manifests
        return [self.revised(manifest) for manifest in manifests]

    def revised(self, manifest):
        {body}

@hookimpl
def rynxs_renderer():
    return RendererPlugin("{name}", ConfigModel, lambda settings: Paints())
"""
PAINTED = (
    'labels = {{**manifest["metadata"].get("labels", {{}}), "{name}": "yes"}}\n'
    '        return {{**manifest, "metadata": {{**manifest["metadata"], "labels": labels}}}}'
)
PURE = "no clock environment file or random number is read"
SOMETHING = "it renders something of the samples"


def order_of(name: str, samples: Path) -> Order:
    """Return what would be judged of a reducer or renderer."""
    manager = PluginManager()
    (plugin,) = (each for each in manager.installed() if each.name == name)
    return sampled(plugin, manager, [str(samples)], None)


def limits(body: str) -> str:
    """Return the code of a reducer of Limits."""
    return LIMITS.format(body=indent(body, "    "))


def renderer(name: str, revises: str, body: str = PAINTED) -> str:
    """Return the code of a renderer that revises what others render."""
    revised = body.format(name=name)
    return RENDERER.format(name=name, revises=repr({revises}), body=revised)


@pytest.fixture
def samples(tmp_path: Path) -> Path:
    """A directory with a Size and a Limit."""
    folder = tmp_path / "samples"
    folder.mkdir()
    (folder / "size.yaml").write_text(SIZE)
    (folder / "limit.yaml").write_text(LIMIT)
    return folder


@pytest.fixture
def sizes(install: Install, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An installed reducer of Sizes, picked here with the settings that it needs."""
    monkeypatch.chdir(tmp_path)
    install("reducer.sizes", REDUCER)
    (tmp_path / "rynxs.yaml").write_text(PICKED)


@pytest.mark.usefixtures("sizes")
@pytest.mark.parametrize("body", [GOVERNS, READS])
def test_a_reducer_is_judged_by_what_it_makes_of_the_samples_of_others(
    cli: Cli, install: Install, samples: Path, body: str
) -> None:
    install("reducer.limits", limits(body.replace("LOOK", "time.time()")))
    checked = cli("plugins", "check", "limits", "--manifests", samples, "--json")
    assert checked.status == 1, checked.err
    assert checked.json()["notes"] == []
    found = judged(checked)
    assert [name for name, (outcome, _) in found.items() if outcome != "passed"] == [PURE]
    assert "time.time() <- " in found[PURE][1]


@pytest.mark.usefixtures("sizes")
@pytest.mark.parametrize(("body", "does"), [(GOVERNS, "governs"), (READS, "reads")])
def test_that_there_are_no_samples_of_others_is_noted(
    install: Install, samples: Path, body: str, does: str
) -> None:
    install("reducer.limits", limits(body))
    order = order_of("limits", samples / "limit.yaml")
    assert (order.neighbours, len(order.objects)) == ([], 1)
    note = f"no manifest is of acme.example/Size, which it {does}, so that is not judged"
    assert order.notes == [note]


@pytest.mark.usefixtures("sizes")
def test_of_many_samples_the_first_of_each_kind_are_judged_and_that_is_noted(
    cli: Cli, install: Install, samples: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install("reducer.limits", limits(GOVERNS.replace("LOOK", "pass")))
    more = [SIZE.replace("one", f"size-{number}") for number in range(5)]
    (samples / "size.yaml").write_text("---\n".join([SIZE, *more]))
    (samples / "limit-two.yaml").write_text(LIMIT.replace("one", "two"))
    monkeypatch.setattr("rynxs.testing.check.samples.SAMPLES_MAX", 4)
    order = order_of("limits", samples)
    assert [each["metadata"]["name"] for each in order.objects] == ["two", "one"]
    assert [each["metadata"]["name"] for each in order.neighbours] == ["one", "size-0"]
    note = "judged by 4 of the 8 sample objects, the first of each kind"
    assert order.notes == [note]
    shown = cli("plugins", "check", "limits", "--manifests", samples)
    assert shown.status == 0, shown.out + shown.err
    assert shown.out.endswith(f"22 passed\nnote: {note}\n")


@pytest.mark.parametrize(("body", "does"), [(GOVERNS, "governs"), (READS, "reads")])
def test_a_reducer_without_the_owner_of_a_kind_it_needs_is_refused(
    cli: Cli, install: Install, samples: Path, body: str, does: str
) -> None:
    install("reducer.limits", limits(body.replace("LOOK", "pass")))
    refused = cli("plugins", "check", "limits", "--manifests", samples / "limit.yaml")
    assert refused.status == 2
    assert refused.out == ""
    assert (
        f"reducer 'limits' of acme-reducer-limits 1.2.3 {does} acme.example/Size, which no other "
        "installed reducer owns; install the one that does (others own: universe.ai/Agent, "
    ) in refused.err
    install("reducer.sizes", REDUCER)
    unconfigured = cli("plugins", "check", "limits", "--manifests", samples)
    assert unconfigured.status == 2
    assert f"{does} acme.example/Size, which no other" in unconfigured.err
    assert "reducer 'sizes' of acme-reducer-sizes 1.2.3: settings.factor: req" in unconfigured.err


@pytest.mark.usefixtures("sizes")
def test_samples_of_others_alone_are_none(cli: Cli, install: Install, samples: Path) -> None:
    install("reducer.limits", limits(""))
    refused = cli("plugins", "check", "limits", "--manifests", samples / "size.yaml")
    assert refused.status == 2
    assert "none of the manifests is a sample" in refused.err
    assert "Size one is of another reducer" in refused.err


@pytest.mark.usefixtures("sizes")
def test_a_reducer_of_a_kind_that_a_picked_one_owns_is_judged_in_its_place(
    install: Install, samples: Path
) -> None:
    twin = REDUCER.replace('ReducerPlugin("sizes"', 'ReducerPlugin("twins"')
    install("reducer.twins", twin.replace("factor: int", "factor: int = 1"))
    install("reducer.limits", limits(GOVERNS))
    assert order_of("twins", samples).reducers == []
    assert order_of("limits", samples).reducers == [("acme_reducer_sizes", {"factor": 2})]


def test_a_renderer_has_those_that_it_revises_and_those_that_they_revise(
    cli: Cli, install: Install, repository: Path
) -> None:
    install("renderer.paints", renderer("paints", "workload"))
    install("renderer.frames", renderer("frames", "paints"))
    agent = repository / "examples" / "agent-basic.yaml"
    checked = cli("plugins", "check", "frames", "--manifests", agent, "--json")
    assert checked.status == 0, checked.out + checked.err
    assert judged(checked)[SOMETHING] == ("passed", "")


def test_a_renderer_that_is_revised_has_the_settings_of_the_configuration(
    install: Install, repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install("renderer.paints", renderer("paints", "workload"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "rynxs.yaml").write_text("settings: {renderers: {workload: {runAsUser: 77}}}\n")
    order = order_of("paints", repository / "examples" / "agent-basic.yaml")
    revised, reviser = kit_of(order)().sample().picks[-2:]
    assert (revised.module, revised.settings["runAsUser"]) == ("rynxs_renderer_workload.plugin", 77)
    assert reviser == Pick("renderer", "acme_renderer_paints", {})


@pytest.mark.parametrize(
    ("body", "promise", "says"),
    [
        ("return manifest", SOMETHING, "or changes those of others"),
        ("return {{**manifest, 'kind': str(time.time())}}", PURE, "time.time() <- revised ("),
    ],
)
def test_a_renderer_is_judged_by_what_it_makes_of_the_manifests_of_others(
    cli: Cli, install: Install, repository: Path, body: str, promise: str, says: str
) -> None:
    install("renderer.paints", renderer("paints", "workload", body))
    agent = repository / "examples" / "agent-basic.yaml"
    checked = cli("plugins", "check", "paints", "--manifests", agent, "--json")
    assert checked.status == 1, checked.err
    outcome, message = judged(checked)[promise]
    assert outcome == "failed"
    assert says in message


def test_a_renderer_without_those_that_it_revises_is_refused(
    cli: Cli, install: Install, repository: Path
) -> None:
    install("renderer.paints", renderer("paints", "worklod"))
    install("renderer.frames", renderer("frames", "paints"))
    agent = repository / "examples" / "agent-basic.yaml"
    for name in ("paints", "frames"):
        refused = cli("plugins", "check", name, "--manifests", agent)
        assert refused.status == 2
        assert refused.out == ""
        assert (
            "renderer 'paints' of acme-renderer-paints 1.2.3 revises what 'worklod' renders: "
            "renderer 'worklod' is not installed; installed are: frames, paints, "
        ) in refused.err
        assert "did you mean 'workload'?" in refused.err
