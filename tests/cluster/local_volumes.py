"""Volumes of the real node, for claims of any size: directories of this machine."""

from __future__ import annotations

import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.cluster.kubelet import REAL
from tests.cluster.kwok import LABEL

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.cluster.kubectl import Kubectl

SIZE = "10Gi"


@contextmanager
def local_volumes(kubectl: Kubectl, count: int) -> Iterator[Path]:
    """Make volumes that nobody has claimed, and remove what was written to them in the end.

    The kubelet lets a pod's group write to such a volume, as it does with a cloud's disk.

    Args:
        kubectl: Of the cluster.
        count: How many claims can be served.

    Yields:
        The directory in which each volume has one, by its name.
    """
    directory = Path(tempfile.mkdtemp(prefix="rynxs-volumes-"))
    try:
        names = [f"local-{number}" for number in range(count)]
        for name in names:
            (directory / name).mkdir()
        made = kubectl.apply(*(_volume(name, directory / name) for name in names))
        assert made.status == 0, made.err
        yield directory
    finally:
        shutil.rmtree(directory)


def _volume(name: str, directory: Path) -> dict[str, Any]:
    here = {"matchExpressions": [{"key": LABEL, "operator": "In", "values": [REAL]}]}
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": name},
        "spec": {
            "accessModes": ["ReadWriteOnce", "ReadOnlyMany"],
            "capacity": {"storage": SIZE},
            "local": {"path": str(directory)},
            "nodeAffinity": {"required": {"nodeSelectorTerms": [here]}},
            "persistentVolumeReclaimPolicy": "Retain",
        },
    }
