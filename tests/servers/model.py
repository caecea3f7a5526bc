"""The stub of a model's server, for a test that waits for others meanwhile."""

from __future__ import annotations

import asyncio
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rynxs_agent.testing import StubModel

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rynxs_agent.testing import Scripted

LIMIT_S = 10.0


@contextmanager
def stub_model(script: Sequence[Scripted], host: str) -> Iterator[StubModel]:
    """Serve in a thread until the end of the body.

    Args:
        script: What it answers, one after the other.
        host: To listen on.
    """
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    model = StubModel(script, host=host)
    try:
        asyncio.run_coroutine_threadsafe(model.__aenter__(), loop).result(LIMIT_S)
        try:
            yield model
        finally:
            asyncio.run_coroutine_threadsafe(model.__aexit__(), loop).result(LIMIT_S)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
