"""kopf in its thread, and its admission webhook, on a real API server."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from structlog.testing import capture_logs

from rynxs.config import Config
from rynxs.engine.observation import Actor
from rynxs.operator.access import find_access
from rynxs.operator.actors import UNKNOWN, Actors
from rynxs.operator.framework import Framework
from rynxs.operator.webhook import WebhookServed
from rynxs.plugins import PluginManager
from rynxs.settings import RawConfig
from tests.cluster.admission import webhook_configuration
from tests.cluster.control_plane import control_plane
from tests.cluster.kubectl import Kubectl
from tests.cluster.objects import agent, make_namespace
from tests.cluster.operated import establish_crds
from tests.servers.certificate import Certificate
from tests.servers.endpoint import LOOPBACK
from tests.servers.failing import told_plainly
from tests.servers.port import ReservedPort

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Mapping, Sequence
    from pathlib import Path

    from rynxs.engine.resource import Resource
    from rynxs.operator.webhook import Asking
    from tests.cluster.control_plane import Cluster
    from tests.cluster.kubectl import Answer

LIMIT_S = 60.0
RESOURCES = Config(RawConfig(), PluginManager(), "the test").composition().resources()
WORKERS = 64
GROUPS = ("system:masters", "system:authenticated")


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """A cluster with the CRDs: use a namespace of your own."""
    with told_plainly(), control_plane() as running:
        establish_crds(running.kubectl)
        yield running


@pytest.fixture
def kubectl(cluster: Cluster) -> Kubectl:
    return cluster.kubectl


@pytest.fixture
def namespace(kubectl: Kubectl) -> str:
    return make_namespace(kubectl)


def done(answer: Answer) -> Answer:
    assert answer.status == 0, answer.err
    return answer


def stored(kubectl: Kubectl, namespace: str, name: str) -> dict[str, Any]:
    where = ("agent", name, f"--namespace={namespace}", "--show-managed-fields", "-o", "json")
    found: dict[str, Any] = done(kubectl.run("get", *where)).json()
    return found


def universe(name: str) -> dict[str, Any]:
    api_version = "universe.ai/v1alpha1"
    spec = {"namespaces": ["nowhere"]}
    return {
        "apiVersion": api_version,
        "kind": "Universe",
        "metadata": {"name": name},
        "spec": spec,
    }


class Heard:
    """Keeps what is handed over of some objects; may be told to wait."""

    def __init__(self) -> None:
        self.objects: list[dict[str, Any]] = []
        self.threads: set[threading.Thread] = set()
        self.go_on = asyncio.Event()
        self.go_on.set()
        self._changed = asyncio.Condition()

    async def __call__(self, resource: Resource, found: Mapping[str, Any]) -> None:
        assert found["kind"] == resource.kind
        async with self._changed:
            self.objects.append(dict(found))
            self.threads.add(threading.current_thread())
            self._changed.notify_all()
        await self.go_on.wait()

    def names(self, namespace: str) -> set[str]:
        return {
            each["metadata"]["name"]
            for each in self.objects
            if each["metadata"].get("namespace", "") == namespace
        }

    def last(self, namespace: str, name: str) -> dict[str, Any]:
        where = (namespace, name)
        return [
            each
            for each in self.objects
            if (each["metadata"].get("namespace", ""), each["metadata"]["name"]) == where
        ][-1]

    async def until(self, enough: Callable[[], bool]) -> None:
        async with asyncio.timeout(LIMIT_S), self._changed:
            await self._changed.wait_for(enough)

    async def named(self, namespace: str, *names: str) -> None:
        """Wait until objects of these names, at least, were handed over."""
        await self.until(lambda: self.names(namespace) >= {*names})


@asynccontextmanager
async def following(
    kubeconfig: Path,
    heard: Heard,
    namespaces: Sequence[str] = (),
    webhook: WebhookServed | None = None,
    asked: Callable[[Asking], None] = lambda _: None,
    now_s: Callable[[], float] = time.monotonic,
) -> AsyncIterator[None]:
    """Run the framework until the end of a test, and see that nothing of it is left then."""
    access = await find_access(str(kubeconfig), now_s)
    made = Framework(RESOURCES, namespaces, access, heard, webhook, asked)
    task = asyncio.create_task(made.run())
    try:
        yield
    finally:
        task.cancel()
        _, late = await asyncio.wait([task], timeout=LIMIT_S)
    assert not late
    assert task.cancelled()
    assert not [each for each in threading.enumerate() if each.name == "kopf"]


def in_time(work: Coroutine[Any, Any, None]) -> None:
    async def main() -> None:
        async with asyncio.timeout(2 * LIMIT_S):
            await work

    asyncio.run(main())


async def aside(do: Callable[..., Answer], *arguments: Any, **options: Any) -> Answer:
    """Do something with kubectl that must succeed, while the loop goes on."""
    return done(await asyncio.to_thread(do, *arguments, **options))


def test_what_is_there_and_what_changes_is_handed_over_whole(
    kubectl: Kubectl, namespace: str
) -> None:
    async def work() -> None:
        heard, name = Heard(), f"u-{namespace}"
        await aside(kubectl.apply, agent(namespace, "before"), universe(name))
        async with following(kubectl.kubeconfig, heard):
            await heard.named(namespace, "before")
            await heard.named("", name)
            assert heard.last(namespace, "before") == await asyncio.to_thread(
                stored, kubectl, namespace, "before"
            )
            await aside(kubectl.apply, agent(namespace, "later"))
            await heard.named(namespace, "later")
            changed = agent(namespace, "later")
            changed["spec"]["team"] = "t"
            await aside(kubectl.apply, changed)
            await heard.until(lambda: heard.last(namespace, "later")["spec"].get("team") == "t")
            await aside(kubectl.run, "delete", "agent", "before", f"--namespace={namespace}")
            await aside(kubectl.apply, agent(namespace, "last"))
            await heard.named(namespace, "last")
        own = [each for each in heard.objects if each["metadata"].get("namespace") == namespace]
        befores = [each for each in own if each["metadata"]["name"] == "before"]
        assert len(befores) == 1
        assert heard.threads == {threading.current_thread()}

    in_time(work())


def test_nothing_is_written_to_what_is_followed(kubectl: Kubectl, namespace: str) -> None:
    """Neither to an object as it is, nor to one that another operator built on kopf has marked."""

    async def work() -> None:
        heard, marked = Heard(), agent(namespace, "marked")
        marked["metadata"]["finalizers"] = ["kopf.zalando.org/KopfFinalizerMarker"]
        await aside(kubectl.apply, agent(namespace, "plain"), marked)
        await aside(kubectl.run, "delete", "agent", "marked", "--wait=false", "-n", namespace)
        names = ("plain", "marked")
        before = [await asyncio.to_thread(stored, kubectl, namespace, each) for each in names]
        async with following(kubectl.kubeconfig, heard, [namespace]):
            await heard.named(namespace, *names)
            await aside(kubectl.apply, agent(namespace, "later"))
            await heard.named(namespace, "later")
        assert before == [
            await asyncio.to_thread(stored, kubectl, namespace, each) for each in names
        ]
        assert before == [heard.last(namespace, each) for each in names]

    in_time(work())


def test_a_thousand_objects_are_handed_over_no_faster_than_they_are_taken(
    kubectl: Kubectl, namespace: str
) -> None:
    async def work() -> None:
        heard, count = Heard(), 1000
        heard.go_on.clear()
        text = "\n".join(json.dumps(agent(namespace, f"a{each}")) for each in range(count))
        made = kubectl.run("create", "-f-", "--validate=ignore", text=text)
        assert len(done(made).out.splitlines()) == count
        async with following(kubectl.kubeconfig, heard, [namespace]):
            await heard.until(lambda: len(heard.names(namespace)) == WORKERS)
            await aside(kubectl.apply, agent(namespace, "later"))
            assert len(heard.names(namespace)) == WORKERS
            heard.go_on.set()
            await heard.until(lambda: len(heard.names(namespace)) == count + 1)
        assert sum(each["kind"] == "Agent" for each in heard.objects) == count + 1

    in_time(work())


def test_it_is_stopped_while_nothing_is_taken(kubectl: Kubectl, namespace: str) -> None:
    async def work() -> None:
        heard = Heard()
        heard.go_on.clear()
        await aside(kubectl.apply, agent(namespace))
        with capture_logs() as logs:
            async with following(kubectl.kubeconfig, heard, [namespace]):
                await heard.named(namespace, "worker")
        assert logs == []

    in_time(work())


def test_an_api_server_that_is_away_for_a_while_is_followed_on(
    cluster: Cluster, kubectl: Kubectl, namespace: str
) -> None:
    async def work() -> None:
        heard = Heard()
        await aside(kubectl.apply, agent(namespace, "before"))
        async with following(kubectl.kubeconfig, heard):
            await heard.named(namespace, "before")
            await asyncio.to_thread(cluster.apiserver.restart)
            await aside(kubectl.apply, agent(namespace, "after"))
            await heard.named(namespace, "after")

    in_time(work())


def test_only_the_namespaces_that_were_asked_for_are_followed_and_universes_always(
    kubectl: Kubectl,
) -> None:
    async def work() -> None:
        heard = Heard()
        one, two, other = [make_namespace(kubectl) for _ in range(3)]
        name = f"u-{one}"
        places = (one, two, other)
        await aside(kubectl.apply, universe(name), *(agent(each, "early") for each in places))
        async with following(kubectl.kubeconfig, heard, [one, two]):
            for each in (one, two):
                await heard.named(each, "early")
            await heard.named("", name)
            await aside(kubectl.apply, *(agent(each, "late") for each in (other, one, two)))
            for each in (one, two):
                await heard.named(each, "late")
        assert heard.names(other) == set()

    in_time(work())


def role(kind: str, name: str, resources: list[str], **metadata: str) -> dict[str, Any]:
    rule = {"apiGroups": ["universe.ai"], "resources": resources, "verbs": ["get", "list", "watch"]}
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": kind,
        "metadata": {"name": name, **metadata},
        "rules": [rule],
    }


def test_an_account_with_rights_on_no_more_than_its_kinds_is_enough_also_if_they_come_later(
    cluster: Cluster, kubectl: Kubectl, namespace: str
) -> None:
    name = f"u-{namespace}"
    done(kubectl.run("create", "serviceaccount", "rynxs", "-n", namespace))
    token = done(kubectl.run("create", "token", "rynxs", "-n", namespace)).out.strip()
    kubeconfig = cluster.apiserver.write_kubeconfig(namespace, token)
    account = f"--serviceaccount={namespace}:rynxs"
    done(kubectl.apply(role("ClusterRole", namespace, ["universes"])))
    done(
        kubectl.run(
            "create", "clusterrolebinding", namespace, f"--clusterrole={namespace}", account
        )
    )
    done(kubectl.apply(agent(namespace), universe(name)))
    Kubectl(kubeconfig).wait_for_right("watch", "universes.universe.ai")

    async def work() -> None:
        heard = Heard()
        with capture_logs() as logs:
            async with following(kubeconfig, heard, [namespace]):
                await heard.named("", name)
                assert heard.names(namespace) == set()
                kinds = ["agents", "sessions"]
                await aside(kubectl.apply, role("Role", "rynxs", kinds, namespace=namespace))
                binding = (
                    "create",
                    "rolebinding",
                    "rynxs",
                    "--role=rynxs",
                    account,
                    "-n",
                    namespace,
                )
                await aside(kubectl.run, *binding)
                await heard.named(namespace, "worker")
        told = [each["said"] for each in logs]
        assert any("will retry" in each and "agents" in each for each in told)
        assert not any("namespaces is forbidden" in each for each in told)

    in_time(work())


def test_credentials_that_are_refused_are_read_again(
    cluster: Cluster, kubectl: Kubectl, namespace: str
) -> None:
    done(kubectl.apply(agent(namespace)))
    kubeconfig = cluster.apiserver.write_kubeconfig(f"late-{namespace}", "no-such-token")
    minutes = iter(range(0, 100_000, 60))

    async def work() -> None:
        heard, refused = Heard(), asyncio.Event()
        home = asyncio.get_running_loop()

        def note(_: Any, __: str, told: Any) -> Any:
            if told["event"] == "kopf ended":
                home.call_soon_threadsafe(refused.set)
            return told

        with capture_logs(processors=[note]) as logs:
            access = following(kubeconfig, heard, [namespace], now_s=lambda: float(next(minutes)))
            async with access:
                await refused.wait()
                cluster.apiserver.write_kubeconfig(f"late-{namespace}", cluster.apiserver.token)
                await heard.named(namespace, "worker")
        assert "no-such-token" not in str(logs)

    in_time(work())


class Asked:
    """An admission webhook that is asked about one namespace, and what it was asked."""

    def __init__(self, served: WebhookServed) -> None:
        self.served = served
        self.told: list[Asking] = []
        self.threads: set[threading.Thread] = set()
        self.actors = Actors()

    def __call__(self, asking: Asking) -> None:
        self.told.append(asking)
        self.threads.add(threading.current_thread())
        self.actors.take(asking)


@contextmanager
def configured(kubectl: Kubectl, namespace: str, directory: Path) -> Iterator[Asked]:
    """Have the API server ask about the Agents of a namespace, as the chart does."""
    certificate, port = Certificate.self_signed(directory), ReservedPort()
    done(kubectl.apply(webhook_configuration(namespace, port.number, certificate)))
    try:
        yield Asked(WebhookServed(port.number, certificate.file, certificate.key_file, LOOPBACK))
    finally:
        done(kubectl.run("delete", "validatingwebhookconfiguration", namespace))
        port.close()


async def until_asked(kubectl: Kubectl, namespace: str, asked: Asked) -> None:
    """Make and change an object until the API server asks, which it begins to do a bit late."""
    await aside(kubectl.apply, agent(namespace, "probe"))
    count = 0
    while not asked.told:
        count += 1
        await aside(
            kubectl.run, "label", "agent", "probe", "-n", namespace, "--overwrite", f"n={count}"
        )
    asked.told.clear()


def as_user(name: str) -> tuple[str, str]:
    return f"--as={name}", "--as-group=system:masters"


def test_who_asks_for_a_change_is_known_by_user_groups_and_request(
    kubectl: Kubectl, namespace: str, tmp_path: Path
) -> None:
    async def work() -> None:
        heard, where = Heard(), ("agent", "one", "-n", namespace)
        with configured(kubectl, namespace, tmp_path) as asked:
            async with following(kubectl.kubeconfig, heard, [namespace], asked.served, asked):
                await until_asked(kubectl, namespace, asked)
                body = agent(namespace, "one")
                body["metadata"]["finalizers"] = ["example.org/keep"]
                text = json.dumps(body)
                await aside(kubectl.run, "create", "-f-", *as_user("alice"), text=text)
                await heard.named(namespace, "one")
                made = heard.last(namespace, "one")["metadata"]
                team = '{"spec": {"team": "t"}}'
                patch = ("patch", *where, "--type=merge", f"--patch={team}")
                await aside(kubectl.run, *patch, "--dry-run=server", *as_user("eve"))
                await aside(kubectl.run, *patch, *as_user("bob"))
                await heard.until(lambda: "team" in heard.last(namespace, "one")["spec"])
                changed = heard.last(namespace, "one")["metadata"]
                status = (
                    "--subresource=status",
                    "--type=merge",
                    '--patch={"status":{"ready":true}}',
                )
                await aside(kubectl.run, "patch", *where, *status, *as_user("eve"))
                gone = ("delete", *where, "--wait=false")
                await aside(kubectl.run, *gone, "--dry-run=server", *as_user("eve"))
                await aside(kubectl.run, *gone, *as_user("carol"))
                await heard.until(
                    lambda: "deletionTimestamp" in heard.last(namespace, "one")["metadata"]
                )
                going = heard.last(namespace, "one")["metadata"]
                free = '{"metadata": {"finalizers": null}}'
                freed = ("patch", *where, "--type=merge", f"--patch={free}")
                await aside(kubectl.run, *freed, *as_user("eve"))
        told = [(each.user, each.generation, each.is_deletion) for each in asked.told]
        assert told == [("alice", 1, False), ("bob", 2, False), ("carol", 2, True)]
        assert {each.uid for each in asked.told} == {made["uid"]}
        assert asked.threads == {threading.current_thread()}
        requests = [each.request_uid for each in asked.told]
        assert len({*requests}) == 3
        known = [asked.actors.of(each) for each in (made, changed, going)]
        users = zip(("alice", "bob", "carol"), requests, strict=True)
        assert known == [Actor(user, True, GROUPS, request) for user, request in users]
        assert asked.actors.of_deletion(made["uid"]) == known[-1]

    in_time(work())


def test_objects_are_accepted_and_their_managers_named_while_the_webhook_is_down(
    kubectl: Kubectl, namespace: str, tmp_path: Path
) -> None:
    async def work() -> None:
        heard, later = Heard(), Heard()
        with configured(kubectl, namespace, tmp_path) as asked:
            async with following(kubectl.kubeconfig, heard, [namespace], asked.served, asked):
                await until_asked(kubectl, namespace, asked)
            await aside(kubectl.apply, agent(namespace, "one"))
            async with following(kubectl.kubeconfig, later, [namespace]):
                await later.named(namespace, "one")
        assert asked.told == []
        metadata = later.last(namespace, "one")["metadata"]
        assert asked.actors.of(metadata) == Actor("kubectl")
        assert asked.actors.of_deletion(metadata["uid"]) == UNKNOWN

    in_time(work())
