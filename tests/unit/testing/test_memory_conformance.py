"""The sink in memory passes the kit; a log of its does not outlive the process."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rynxs.testing import SinkConformance

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


class TestMemory(SinkConformance):
    plugin_module = "rynxs.testing.memory"
    outlives_its_process = False

    def settings(self, place: Path) -> Mapping[str, Any]:
        return {"name": str(place)}
