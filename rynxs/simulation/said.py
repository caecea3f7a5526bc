"""What the program itself says while it is simulated: lines of the trace."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import structlog

if TYPE_CHECKING:
    from collections.abc import Iterator, MutableMapping

    from rynxs.simulation.world import World


@contextmanager
def said_by_the_program(world: World) -> Iterator[None]:
    """Let the production code's log go to a world's trace."""

    def heard(_logger: Any, level: str, event: MutableMapping[str, Any]) -> Any:
        what = event.pop("event")
        told = " ".join(f"{name}={value}" for name, value in sorted(event.items()))
        world.say("log", f"{level}: {what} {told}")
        raise structlog.DropEvent

    before = structlog.get_config()
    structlog.configure(
        processors=[structlog.contextvars.merge_contextvars, heard],
        wrapper_class=structlog.BoundLogger,
        cache_logger_on_first_use=False,
    )
    try:
        yield
    finally:
        structlog.configure(**before)
