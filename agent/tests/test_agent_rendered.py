"""What rynxs renders is what this runtime takes: held against the manifests of the examples."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
import yaml

from rynxs_agent.environment import take_environment
from rynxs_agent.settings import Settings
from rynxs_agent.spec import read_spec
from rynxs_agent.tools.toolbox import is_allowed

if TYPE_CHECKING:
    from collections.abc import Mapping

TOP = Path(__file__).parents[2]
GOLDEN = TOP / "tests/golden"
RENDERER = TOP / "plugins/renderer_workload/README.md"
OTHERS = {"RYNXS_LOG"}
"""What this runtime has no use for."""


class Rendered(NamedTuple):
    """A workload of an example.

    Attributes:
        kind: ``Deployment`` or ``Job``.
        name: its name.
        container: its container.
        data: its ConfigMap's.
        ports: of its Service, none for a Job.
    """

    kind: str
    name: str
    container: Mapping[str, Any]
    data: Mapping[str, str]
    ports: list[int]


def rendered() -> list[Rendered]:
    found = []
    for path in sorted(GOLDEN.glob("*.manifests.yaml")):
        manifests = [each for each in yaml.safe_load_all(path.read_text()) if each]
        by_name = {
            (each["kind"], each["metadata"]["namespace"], each["metadata"]["name"]): each
            for each in manifests
        }
        for each in manifests:
            if each["kind"] not in {"Deployment", "Job"}:
                continue
            namespace = each["metadata"]["namespace"]
            pod = each["spec"]["template"]["spec"]
            (config,) = (v["configMap"]["name"] for v in pod["volumes"] if v["name"] == "config")
            service = by_name.get(("Service", namespace, config), {"spec": {"ports": []}})
            found.append(
                Rendered(
                    each["kind"],
                    f"{path.stem}/{each['metadata']['name']}",
                    pod["containers"][0],
                    by_name["ConfigMap", namespace, config]["data"],
                    [port["port"] for port in service["spec"]["ports"]],
                )
            )
    return found


WORKLOADS = rendered()


def test_there_are_agents_and_sessions_among_them() -> None:
    assert {each.kind for each in WORKLOADS} == {"Deployment", "Job"}


@pytest.mark.parametrize("workload", WORKLOADS, ids=lambda each: each.name)
def test_the_environment_of_a_rendered_pod_is_understood(
    workload: Rendered, tmp_path: Path
) -> None:
    named = {
        each["name"]: each.get("value", "sk-of-a-secret") for each in workload.container["env"]
    }
    environment = take_environment(dict(named))
    assert (environment.session is not None) == (workload.kind == "Job")
    assert bool(environment.api_key) == ("RYNXS_PROVIDER_API_KEY" in named)
    mounts = {mount["mountPath"] for mount in workload.container["volumeMounts"]}
    assert {str(environment.workspace), str(environment.spec.parent), "/tmp"} <= mounts
    mounted = tmp_path / environment.spec.name
    mounted.write_text(workload.data[environment.spec.name])
    spec = read_spec(mounted)
    assert spec.provider is None or spec.provider.kind == "openai"
    assert all(is_allowed(name, [name]) for name in spec.tools.allow)


@pytest.mark.parametrize("workload", WORKLOADS, ids=lambda each: each.name)
def test_a_rendered_container_leaves_its_command_to_the_image(workload: Rendered) -> None:
    assert not {"command", "args", "workingDir", "terminationMessagePath"} & set(workload.container)
    assert set(workload.ports) <= {Settings().task_port}


def test_all_that_the_renderer_documents_is_known() -> None:
    documented = set(re.findall(r"`\$(RYNXS_\w+)`", RENDERER.read_text()))
    known = {
        "RYNXS_AGENT_SPEC",
        "RYNXS_WORKSPACE",
        "RYNXS_PROVIDER_API_KEY",
        "RYNXS_SESSION",
        "RYNXS_SESSION_INPUT",
    }
    assert documented == known | OTHERS
