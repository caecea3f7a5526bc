"""kopf, in a thread with an event loop of its own: what it sees is handed over to this loop.

It tells what there is, never what is gone (`rynxs.operator.informer` does), and writes nothing. It
is kept away from the signals and from the loop of everybody else, for it ends the tasks of its loop
when it ends. It is started again whenever that happens.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, TypedDict

import kopf
import structlog
from kopf._cogs.structs.references import Insights  # what was found of what is followed
from kopf._core.engines.peering import Identity
from kopf._core.reactor.inventory import ResourceMemories

from rynxs.operator import said
from rynxs.operator.aside import Aside
from rynxs.operator.backoff import delay_s
from rynxs.operator.login import add_login, session_of
from rynxs.operator.webhook import Webhook

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence

    from aiohttp import ClientSession

    from rynxs.engine.resource import Resource
    from rynxs.operator.webhook import Asking, WebhookServed

    Hears = Callable[[Resource, Mapping[str, Any]], Awaitable[None]]

_log = structlog.get_logger("rynxs.operator.framework")
_DELAY_MOST_S = 30.0
_STEADY_S = 60.0
"""What ran for so long has not failed in a row."""
_STOP_S = 5.0
_LOOK_AGAIN_S = 30.0
_WORKERS = 64
_CHUNK = 500
_IDLE_S = 0.01
_EXIT_S = 0.1
_CONNECT_S = 10.0
_ANSWER_S = 60.0
_WATCH_S = 120
_SILENCE_S = 150.0
"""More than `_WATCH_S`: kopf loses a watch for good if this passes while it handles an event."""


class _Kind(TypedDict):
    """How kopf is told a kind."""

    group: str
    version: str
    plural: str


class Framework:
    """Follows kinds by kopf, and serves the admission webhook."""

    def __init__(
        self,
        followed: Sequence[Resource],
        namespaces: Sequence[str],
        access: Any,
        hears: Hears,
        webhook: WebhookServed | None,
        asked: Callable[[Asking], None],
    ) -> None:
        """Do nothing yet.

        Args:
            followed: the kinds, each in its stored version.
            namespaces: where to look for what is in namespaces; none for all.
            access: from `rynxs.operator.access.find_access`.
            hears: is given each object as it is, at the start and whenever it has changed; while
                it is at it, nothing more is told of that object, and of not too many others.
            webhook: where the admission webhook is served; None for nowhere.
            asked: is told of each request before it is admitted.
        """
        self._followed = followed
        self._namespaces = namespaces
        self._access = access
        self._hears = hears
        self._webhook = webhook
        self._asked = asked

    async def run(self) -> None:
        """Follow, until this is cancelled.

        Raises:
            Exception: what `hears` or `asked` raised.
        """
        home, attempt = asyncio.get_running_loop(), 0
        with said.heard() as heard:
            while True:
                started_s = home.time()
                reason = await self._run_once(home, heard)
                attempt = 1 if home.time() > started_s + _STEADY_S else attempt + 1
                wait_s = delay_s(attempt, _DELAY_MOST_S)
                _log.warning("kopf ended", reason=reason, attempt=attempt, again_in_s=wait_s)
                await asyncio.sleep(wait_s)

    async def _run_once(self, home: asyncio.AbstractEventLoop, heard: said.Said) -> str:
        """Run kopf until it ends, and return why it did."""
        heard.is_silent = False
        run = Aside(home)
        run.start(self._serve(run))
        try:
            either: list[asyncio.Future[Any]] = [run.ended, run.failed]
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        finally:
            heard.is_silent = True
            run.stop()
            await asyncio.wait([run.ended], timeout=_STOP_S)
            if run.ended.done():
                run.join()
            else:
                _log.error("kopf does not end", waited_s=_STOP_S)
        if run.failed.done():
            run.failed.result()
        return run.ended.result()

    async def _serve(self, run: Aside) -> str:
        """Run kopf, in the thread, and return why it ended."""
        try:
            async with session_of(self._access, run.home) as session:
                return await self._follow(run, session)
        except Exception as error:  # whatever kopf ends of
            return said.one_line(f"{type(error).__name__}: {error}")

    async def _follow(self, run: Aside, session: ClientSession) -> str:
        """Run kopf with a session, and return why it ended."""
        registry, insights = self._registry(run), Insights()
        add_login(registry, self._access, session)
        operator = asyncio.create_task(
            kopf.operator(
                registry=registry,
                settings=self._settings(run),
                insights=insights,
                memories=_Forgetful(),
                identity=Identity("rynxs"),  # else it wants a user name, and asks the DNS
                standalone=True,
                clusterwide=not self._namespaces,
                namespaces=self._namespaces,
            )
        )
        looked = asyncio.create_task(insights.ready_resources.wait())
        either: list[asyncio.Task[Any]] = [operator, looked]
        try:
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            missing = sorted(self._missing(insights))
            # It looks for kinds once; the others are followed meanwhile.
            await asyncio.wait([operator], timeout=_LOOK_AGAIN_S if missing else None)
        finally:
            looked.cancel()
            operator.cancel()  # told to stop, it would wait for what it has forgotten
            await asyncio.wait([operator])
        if operator.cancelled():
            return f"not served: {', '.join(missing)}"
        operator.result()
        return "no error"

    def _missing(self, insights: Insights) -> Iterator[str]:
        """Yield the kinds that the API server does not serve."""
        found = {(each.group, each.plural) for each in insights.watched_resources}
        for each in self._followed:
            if (each.group, each.plural) not in found:
                yield f"{each.plural}.{each.group}"

    def _registry(self, run: Aside) -> kopf.OperatorRegistry:
        """Return the handlers; none of them makes kopf write anything."""
        registry = kopf.OperatorRegistry()
        for each in self._followed:
            kind = _Kind(group=each.group, version=each.versions[-1], plural=each.plural)
            kopf.on.event(**kind, registry=registry)(self._handler(run, each))
            if self._webhook is not None:
                kopf.on.validate(**kind, registry=registry)(_allow)
        return registry

    def _handler(self, run: Aside, resource: Resource) -> Callable[..., Awaitable[None]]:
        async def seen(event: kopf.RawEvent, **_: Any) -> None:
            if event["type"] != "DELETED":
                await run.at_home(self._hear(resource, event["object"]))

        return seen

    async def _hear(self, resource: Resource, found: Any) -> None:
        await self._hears(resource, found)

    async def _ask(self, asking: Asking) -> None:
        self._asked(asking)

    def _settings(self, run: Aside) -> kopf.OperatorSettings:
        settings = kopf.OperatorSettings()
        settings.process.ultimate_exiting_timeout = None  # else it kills the whole process then
        settings.posting.enabled = False
        settings.scanning.disabled = True  # it takes rights on namespaces and CRDs
        settings.persistence.finalizer = "rynxs.universe.ai/none"  # it removes its own from objects
        settings.queueing.worker_limit = _WORKERS
        settings.queueing.idle_timeout = _IDLE_S
        settings.queueing.exit_timeout = _EXIT_S
        settings.watching.chunk_size = _CHUNK
        settings.watching.server_timeout = _WATCH_S
        settings.watching.inactivity_timeout = _SILENCE_S
        settings.networking.connect_timeout = _CONNECT_S
        settings.networking.request_timeout = _ANSWER_S
        settings.networking.error_backoffs = _Endless()
        if self._webhook is not None:

            async def asked(asking: Asking) -> None:
                await run.at_home(self._ask(asking))

            settings.admission.server = Webhook(self._webhook, asked)
        return settings


class _Forgetful(ResourceMemories):
    """kopf's memory of each object, of which handlers of events have no use."""

    async def recall(self, raw_body: Any, **how: Any) -> Any:
        return await super().recall(raw_body, **{**how, "ephemeral": True})


class _Endless:
    """How long to wait after each failed request: kopf ends when it has no more of it."""

    def __iter__(self) -> Iterator[float]:
        attempt = 0
        while True:
            attempt += 1
            yield delay_s(attempt, _DELAY_MOST_S)


async def _allow(**_: Any) -> None:
    """Admit a request."""
