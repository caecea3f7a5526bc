"""The admission webhook: it allows everything, and takes down who asks for what.

The API server asks it before a request is carried out, and goes on without it if it is not there
(``failurePolicy: Ignore``; the ValidatingWebhookConfiguration is the chart's).
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, NamedTuple

import kopf
import structlog

from rynxs.operator.answers import Connections
from rynxs.operator.backoff import delay_s

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
    from pathlib import Path

    from aiohttp import web

_log = structlog.get_logger("rynxs.operator.webhook")
_DELAY_MOST_S = 30.0


class WebhookServed(NamedTuple):
    """Where the webhook is served.

    Attributes:
        port: TCP port.
        certificate: PEM file with the server's certificate and its chain; may be renewed.
        key: PEM file with its private key; may be renewed.
        host: address to listen on, empty for all.
    """

    port: int
    certificate: Path
    key: Path
    host: str = ""


class Asking(NamedTuple):
    """A request that the API server asks about, and that is no dry run.

    Attributes:
        uid: of the object.
        generation: that the object will have, of a deletion that it has; None if there is none.
        is_deletion: whether the object is to be deleted.
        user: who makes the request, as the API server has authenticated it.
        groups: what the user belongs to.
        request_uid: of this request of the API server's.
    """

    uid: str
    generation: int | None
    is_deletion: bool
    user: str
    groups: tuple[str, ...]
    request_uid: str


class Webhook(kopf.WebhookServer):
    """kopf's server, which also tells of each request, and outlives what is wrong with its files.

    kopf ends when its server can't be started; but events are to be followed all the same.
    """

    def __init__(self, served: WebhookServed, asked: Callable[[Asking], Awaitable[None]]) -> None:
        """Listen to nothing yet.

        Args:
            served: where.
            asked: is told of each request before it is answered.
        """
        super().__init__(
            addr=served.host or None,
            port=served.port,
            certfile=served.certificate,
            pkeyfile=served.key,
        )
        self._asked = asked
        self._connections = Connections()

    async def __call__(
        self, fn: kopf.WebhookFn
    ) -> AsyncIterator[kopf.WebhookClientConfig]:  # the generator that kopf wants
        """Serve, until this is cancelled."""

        async def answer(request: Any, **how: Any) -> Any:
            asking = asking_of(request)
            if asking is not None:
                await self._asked(asking)
            return await fn(request, **how)

        attempt = 0
        while True:
            try:
                async for where in super().__call__(answer):
                    attempt = 0
                    yield where
            except OSError as error:  # of TLS, too
                attempt += 1
                reason = f"{type(error).__name__}: {error.strerror or error}"
                _log.warning("the admission webhook is not served", reason=reason, attempt=attempt)
            await asyncio.sleep(delay_s(max(attempt, 1), _DELAY_MOST_S))

    async def __aexit__(self, *why: object) -> None:
        """End, and with it each connection, though the API server keeps it for the next request."""
        await super().__aexit__(*why)
        self._connections.abort()

    async def _serve(self, fn: kopf.WebhookFn, request: web.Request) -> web.Response:  # type: ignore[override]
        """Answer one request."""
        self._connections.add(request.transport)
        return await super()._serve(fn, request)


def asking_of(review: Mapping[str, Any]) -> Asking | None:
    """Return what an AdmissionReview asks about.

    Returns:
        None if it is a dry run, changes nothing that is ever recorded, or is no review.
    """
    try:
        request = review["request"]
        old, new = request.get("oldObject"), request.get("object")
        if request.get("dryRun") or request.get("subResource") or (old and _is_alike(old, new)):
            return None
        metadata = (new or old)["metadata"]
        user = request["userInfo"]
        asking = Asking(
            uid=metadata["uid"],
            generation=metadata.get("generation"),
            is_deletion=request["operation"] == "DELETE",
            user=user["username"],
            groups=tuple(user.get("groups") or ()),
            request_uid=request["uid"],
        )
    except (AttributeError, KeyError, TypeError):
        return None
    return asking if _is_sound(asking) else None


def _is_alike(old: Mapping[str, Any], new: Mapping[str, Any] | None) -> bool:
    """Tell whether only such metadata differs as finalizers and owners, which controllers change.

    Who changes those has not made the object what it is.
    """
    if new is None:
        return False
    telling = ("generation", "labels", "annotations")
    return all(old["metadata"].get(name) == new["metadata"].get(name) for name in telling)


def _is_sound(asking: Asking) -> bool:
    texts = (asking.uid, asking.user, asking.request_uid, *asking.groups)
    return all(type(text) is str for text in texts) and type(asking.generation) in {int, type(None)}
