"""Where the API server is, and as whom one speaks to it: kubeconfig, or the account of a pod."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Any

import structlog
from kubernetes_asyncio.client import Configuration
from kubernetes_asyncio.config import (
    ConfigException,
    load_incluster_config,
    load_kube_config,
)

from rynxs.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable

_log = structlog.get_logger("rynxs.operator.access")
_TOKEN = "BearerToken"  # noqa: S105  (the library's name for it)
_RENEWED_AFTER_S = 60.0
_NAMESPACE_FILE = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")


def own_namespace() -> str:
    """Return the namespace of the pod that this process runs in, ``default`` outside of one."""
    try:
        return _NAMESPACE_FILE.read_text(encoding="utf-8").strip() or "default"
    except OSError:
        return "default"


async def find_access(kubeconfig: str | None, now_s: Callable[[], float]) -> Any:
    """Return the configuration of the client.

    Args:
        kubeconfig: file, or several with colons in between; None for the service account of the pod
            that this process runs in, or else what kubectl would take.
        now_s: a clock in seconds that never goes back; credentials are read again every minute.

    Raises:
        ConfigError: there is neither, or it can't be used.
    """
    found = Configuration()
    found.connection_pool_maxsize = 0  # every watch takes one; the rest are few at a time
    if kubeconfig is None:
        try:
            load_incluster_config(client_configuration=found)
        except ConfigException:
            pass
        else:
            return found
    loader = await _load(kubeconfig, None, found)
    context = (loader.current_context or {}).get("name")
    found.refresh_api_key_hook = _Renewal(kubeconfig, context, now_s).renew
    return found


async def _load(kubeconfig: str | None, context: str | None, into: Any) -> Any:
    try:
        return await load_kube_config(kubeconfig, context=context, client_configuration=into)
    except Exception as error:  # a garbled file makes the library raise anything
        # A user of the file, token and all, is in what some errors say; it begins with a brace.
        reason = str(error).partition("{")[0]
        where = f"kubeconfig {kubeconfig}" if kubeconfig else "no kubeconfig, and not in a pod"
        raise ConfigError(f"{where}: {type(error).__name__}: {reason}") from None


class _Renewal:
    """Reads the credentials of a kubeconfig again: tokens expire, and files and plugins renew them.

    It stays with the context that was current, whatever becomes of the file.
    """

    def __init__(
        self, kubeconfig: str | None, context: str | None, now_s: Callable[[], float]
    ) -> None:
        self._kubeconfig = kubeconfig
        self._context = context
        self._now_s = now_s
        self._read_at_s = now_s()
        self._lock = asyncio.Lock()

    async def renew(self, configuration: Any) -> None:
        """Replace the credentials of a configuration if they are old; keep them if that fails."""
        async with self._lock:
            if self._now_s() < self._read_at_s + _RENEWED_AFTER_S:
                return
            self._read_at_s = self._now_s()
            fresh = Configuration()
            try:
                await _load(self._kubeconfig, self._context, fresh)
            except ConfigError as error:
                _log.warning("credentials not renewed", reason=str(error))
                return
            if _TOKEN in fresh.api_key:
                configuration.api_key[_TOKEN] = fresh.api_key[_TOKEN]
