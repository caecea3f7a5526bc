"""Which kinds the API server serves, and under which paths."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote

from rynxs.operator.cluster import NOT_FOUND, ClusterError
from rynxs.operator.transport import Request

if TYPE_CHECKING:
    from rynxs.operator.cluster import Place
    from rynxs.operator.transport import Transport


class Served(NamedTuple):
    """How a kind is served.

    Attributes:
        root: path of its group and version.
        plural: as in paths.
        is_namespaced: whether its objects are in namespaces.
    """

    root: str
    plural: str
    is_namespaced: bool

    def collection(self, namespace: str) -> str:
        """Return the path of the objects of a namespace; of all if it is empty."""
        scope = f"namespaces/{quote(namespace, safe='')}/" if namespace else ""
        return f"{self.root}/{scope if self.is_namespaced else ''}{self.plural}"

    def object(self, place: Place) -> str:
        """Return the path of an object."""
        return f"{self.collection(place.namespace)}/{quote(place.name, safe='')}"


class Kinds:
    """What is known of the kinds that are served."""

    def __init__(self, transport: Transport) -> None:
        """Know of none yet."""
        self._transport = transport
        self._served: dict[str, Served] = {}

    async def of(self, kind: str) -> Served:
        """Return how a kind is served.

        Args:
            kind: ``apiVersion/Kind``.

        Raises:
            ClusterError: the API server can't be asked, or does not serve it (404); then it is
                asked again the next time.
        """
        if kind not in self._served:
            await self._ask(kind.rpartition("/")[0])
        if kind not in self._served:
            raise ClusterError(
                NOT_FOUND,
                "NotServed",
                f"the cluster does not serve {kind}; install its CustomResourceDefinition",
            )
        return self._served[kind]

    def forget(self, kind: str) -> None:
        """Ask for a kind again, the next time: it may be served in another way, or no longer."""
        self._served.pop(kind, None)

    async def _ask(self, api_version: str) -> None:
        root = f"/apis/{api_version}" if "/" in api_version else f"/api/{api_version}"
        try:
            found = await self._transport.ask(Request("GET", root))
        except ClusterError as error:
            if error.status != NOT_FOUND:
                raise
            return
        for each in found.get("resources") or ():
            if "/" not in each["name"]:  # else a subresource, which may be of another kind
                served = Served(root, each["name"], each["namespaced"])
                self._served[f"{api_version}/{each['kind']}"] = served
