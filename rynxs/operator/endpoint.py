"""The operator's HTTP endpoint: its metrics, and whether it lives and is ready."""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING, Final, NamedTuple, Self

from aiohttp import web

from rynxs.errors import ConfigError
from rynxs.escapes import escaped

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rynxs.operator.metrics import Metrics

_END_S: Final = 1.0
"""So long an answer that is under way may take once the endpoint is to stop."""


class Check(NamedTuple):
    """Something that this process has to have to be ready.

    Attributes:
        name: what it is, in a word.
        failure: what is wrong with it, empty if it is well.
        detail: more about it while it is well.
    """

    name: str
    failure: str
    detail: str


class Endpoint:
    """Serves ``/metrics``, ``/healthz`` and ``/readyz``; a context manager, or `start` and `stop`.

    Attributes:
        port: where it listens once it is started; until then what was asked for.
    """

    def __init__(
        self, host: str, port: int, metrics: Metrics, ready: Callable[[], Sequence[Check]]
    ) -> None:
        """Serve nothing yet.

        Args:
            host: address to listen on.
            port: to listen on, 0 for any that is free.
            metrics: to show.
            ready: what is checked, and how it is; asked for every answer, on the event loop.
        """
        self.port = port
        self._host = host
        self._metrics = metrics
        self._ready = ready
        application = web.Application()
        application.router.add_get("/metrics", self._answer_metrics)
        application.router.add_get("/healthz", self._answer_healthz)
        application.router.add_get("/readyz", self._answer_readyz)
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=_END_S)

    async def start(self) -> None:
        """Listen.

        Raises:
            ConfigError: that is not possible there: it is taken, forbidden, or no address.
        """
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, self._host, self.port).start()
        except (OSError, OverflowError, UnicodeError) as error:
            await self._runner.cleanup()
            raise ConfigError(
                f"the metrics' endpoint can't listen on {escaped(self._host)}, port {self.port}: "
                f"{_reason(error)}"
            ) from None
        self.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        """Listen no more, and close all connections; harmless when repeated."""
        await self._runner.cleanup()

    async def __aenter__(self) -> Self:
        """Start."""
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop."""
        await self.stop()

    async def _answer_metrics(self, request: web.Request) -> web.Response:
        text, media_type = self._metrics.text()
        return web.Response(body=text, headers={"Content-Type": media_type})

    async def _answer_healthz(self, request: web.Request) -> web.Response:
        return web.Response(text="ok")

    async def _answer_readyz(self, request: web.Request) -> web.Response:
        checks = self._ready()
        is_ready = not any(check.failure for check in checks)
        status = web.HTTPOk.status_code if is_ready else web.HTTPServiceUnavailable.status_code
        return web.Response(status=status, text="".join(map(_line, checks)))


def _line(check: Check) -> str:
    """Return what is said of a check, on one line, as the API server's ``/readyz?verbose``."""
    mark, said = ("-", check.failure) if check.failure else ("+", check.detail or "ok")
    return f"[{mark}] {check.name}: {escaped(' '.join(said.split()))}\n"


def _reason(error: Exception) -> str:
    """Return what is wrong in the system's own words, for asyncio puts the address into its own."""
    if isinstance(error, OSError) and not isinstance(error, socket.gaierror) and error.errno:
        return os.strerror(error.errno)
    return str(error.strerror or error) if isinstance(error, OSError) else str(error)
