"""The conformance kit for sinks: subclass `SinkConformance` in a test module, and run pytest.

One module a promise: what is appended and read, named objects, erasing, other processes, failing
I/O.
"""

from __future__ import annotations

import pytest

for _name in ("subject", "records", "objects", "erasing", "processes", "failing"):
    pytest.register_assert_rewrite(f"{__name__}.{_name}")  # before they are imported

from rynxs.testing.sink.erasing import Erasing  # noqa: E402
from rynxs.testing.sink.failing import FailingIO, IOCall  # noqa: E402
from rynxs.testing.sink.objects import Objects  # noqa: E402
from rynxs.testing.sink.processes import Processes  # noqa: E402
from rynxs.testing.sink.records import Records  # noqa: E402

__all__ = ["IOCall", "SinkConformance"]


class SinkConformance(Records, Objects, Erasing, Processes, FailingIO):
    """Every promise of `rynxs.api.Sink`, as tests.

    A subclass names the module that implements the hook, and says where a log may be made::

        class TestDemo(SinkConformance):
            plugin_module = "rynxs_sink_demo.plugin"

            def settings(self, place):
                return {"path": str(place)}
    """
