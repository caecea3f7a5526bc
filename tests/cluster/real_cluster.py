"""A cluster on which the product runs as elsewhere: its images in real pods, with volumes."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import yaml

from tests.cluster.helm import CHART, REPOSITORY
from tests.cluster.local_volumes import local_volumes
from tests.cluster.real_node import real_node
from tests.cluster.running import running_cluster

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.cluster.kubectl import Kubectl
    from tests.cluster.real_node import RealNode
    from tests.cluster.running import RunningCluster
    from tests.images.build import Built

VOLUMES: Final = 24
RESTRICTED: Final = "pod-security.kubernetes.io/enforce=restricted"


@dataclass(frozen=True)
class RealCluster:
    """A cluster whose one node is a real one that has the product's images.

    Attributes:
        volumes: Where the volumes are, each a directory by its name.
    """

    running: RunningCluster
    node: RealNode
    volumes: Path

    @property
    def kubectl(self) -> Kubectl:
        """kubectl, as its administrator."""
        return self.running.kubectl


@contextmanager
def real_cluster(built: Built) -> Iterator[RealCluster]:
    """Run a new cluster whose namespace `default` takes restricted pods only.

    Raises:
        ServerFailed: As `running_cluster` and `real_node` do.
    """
    with (
        running_cluster(nodes=0) as running,
        real_node(running) as node,
        local_volumes(running.kubectl, VOLUMES) as volumes,
    ):
        give_images(node, built)
        labelled = running.kubectl.run("label", "namespace", "default", RESTRICTED)
        assert labelled.status == 0, labelled.err
        yield RealCluster(running, node, volumes)


def give_images(node: RealNode, built: Built) -> None:
    """Give a node the images, by the names that the chart and the examples have for them."""
    operator = yaml.safe_load((CHART / "values.yaml").read_text())
    agent = yaml.safe_load((REPOSITORY / "examples/agent-basic.yaml").read_text())
    node.import_image(built.image("operator", _name(operator["image"])))
    node.import_image(built.image("agent", _name(agent["spec"]["image"])))


def _name(image: dict[str, Any]) -> str:
    return f"{image['repository']}:{image['tag']}"
