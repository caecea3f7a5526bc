"""A reducer of somebody else's that fails on one object, under `rynxs operator`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.cluster.operated import Operated, condition_of

if TYPE_CHECKING:
    from tests.cluster.control_plane import Cluster

RYNXS = Path(sys.executable).with_name("rynxs")
MODULE = '''
"""Gauges, of which those that are cracked can't be read."""

from pydantic import Field

from rynxs.api import ConfigModel, Reducer, ReducerPlugin, Resource, SpecModel, hookimpl


class GaugeSpec(SpecModel):
    """What a gauge shows."""

    is_cracked: bool = Field(default=False, description="Whether it can not be read.")
    value: int = Field(0, ge=0, le=9, description="What it shows.")


GAUGE = Resource(
    group="gauges.example.org",
    kind="Gauge",
    plural="gauges",
    scope="Namespaced",
    versions=["v1"],
    spec=GaugeSpec,
)


class GaugeReducer(Reducer):
    name = "gauge"
    version = "1.2.3"
    resources = [GAUGE]

    def reduce(self, current, event, view):
        if event.kind == "GaugeDeleted":
            return None
        if event.kind != "GaugeObserved":
            return current
        spec = event.payload["object"]["spec"]
        if spec["isCracked"]:
            raise ZeroDivisionError("a crack runs through it")
        return {"value": spec["value"]}


class NoSettings(ConfigModel):
    pass


@hookimpl
def rynxs_reducer():
    return ReducerPlugin(name="gauge", settings=NoSettings, create=lambda _: GaugeReducer())
'''
PICKS = {"reducers": ["agent", "session", "universe", "gauge"]}


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """The plugin installed as pip would, in a directory on the path."""
    info = tmp_path / "site" / "acme_gauge-1.2.3.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Name: acme-gauge\nVersion: 1.2.3\n")
    (info / "entry_points.txt").write_text("[rynxs]\nreducer.gauge = acme_gauge\n")
    (tmp_path / "site" / "acme_gauge.py").write_text(MODULE)
    return {"PYTHONPATH": str(tmp_path / "site")}


@pytest.fixture
def place(operated: Cluster, tmp_path: Path, environment: dict[str, str]) -> Operated:
    """A namespace, in a cluster that knows gauges too."""
    configuration = tmp_path / "gauges.yaml"
    configuration.write_text("plugins: {reducers: [gauge]}\n")
    made = subprocess.run(
        [RYNXS, "crds", "generate", "--config", configuration],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert made.returncode == 0, made.stderr
    applied = operated.kubectl.apply_text(made.stdout)
    assert applied.status == 0, applied.err
    waited = operated.kubectl.wait("condition=Established", "crd/gauges.gauges.example.org")
    assert waited.status == 0, waited.err
    return Operated(operated, tmp_path / "operator")


def gauge(place: Operated, name: str, **spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "gauges.example.org/v1",
        "kind": "Gauge",
        "metadata": {"name": name, "namespace": place.namespace},
        "spec": spec,
    }


def test_an_object_on_which_a_plugin_fails_is_degraded_and_the_rest_go_on(
    place: Operated, environment: dict[str, str]
) -> None:
    path = f"/apis/gauges.example.org/v1/namespaces/{place.namespace}/gauges"

    def degraded(name: str) -> dict[str, Any]:
        return condition_of(place.get(f"{path}/{name}"), "Degraded")

    with place.replica("a", environment=environment, plugins=PICKS) as replica:
        replica.until_leading()
        cracked = gauge(place, "cracked", isCracked=True)
        place.apply(cracked, gauge(place, "whole", value=7), place.agent("worker"))
        replica.until("it is degraded", lambda: degraded("cracked").get("status") == "True")
        replica.until("the agent is applied", place.applied("worker"))
        replica.until("whole is told", lambda: "log" in place.get(f"{path}/whole")["status"])
        assert degraded("whole") == {}
        said = degraded("cracked")
        assert said["reason"] == "PluginFailed"
        assert said["message"].startswith("reducer gauge==1.2.3 failed on record ")
        assert "ZeroDivisionError: a crack runs through it" in said["message"]
        replica.until("it is told", lambda: bool(place.notices("PluginFailed", "cracked")))
        assert replica.metric("rynxs_degraded_subjects") == 1
        assert replica.metric("rynxs_plugin_failures_total") >= 1
        place.apply(gauge(place, "cracked", isCracked=False))
        replica.until("it is well again", lambda: degraded("cracked") == {})
        assert replica.metric("rynxs_degraded_subjects") == 0
        place.apply(cracked)
        replica.until("it is degraded", lambda: degraded("cracked").get("status") == "True")
        replica.kill()
    with place.replica("b", environment=environment, plugins=PICKS) as replica:
        replica.until_ready()
        assert degraded("cracked")["status"] == "True"
        place.delete("gauge.gauges.example.org", "cracked")
        replica.until("nothing is degraded", lambda: not replica.metric("rynxs_degraded_subjects"))
        assert replica.terminate() == 0
    events = place.checked(environment)
    subject = f"gauges.example.org/Gauge/{place.namespace}/cracked"
    # What a plugin can't fold is not recorded, so that the log can be replayed.
    about = [event for event in events if event.subject == subject]
    assert [event.kind for event in about] == ["GaugeObserved", "GaugeDeleted"]
    assert about[0].payload["object"]["spec"]["isCracked"] is False
