"""Whatever happens in between, the cluster ends up with what the last plans ask for."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from hypothesis import given, settings
from hypothesis import strategies as st

from rynxs.engine.plan import manifest_id
from rynxs.operator.cluster import ClusterError
from rynxs.operator.stamp import DIGEST, stamp_of
from rynxs.simulation.answers import is_managed, told_of
from tests.unit.operator.fake_cluster import FakeCluster
from tests.unit.operator.rig import ORIGIN, Rig, asked, config, policy
from tests.unit.operator.virtual_time import run

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rynxs.operator.reconciling import Asked

SUBJECTS = [f"example.org/Thing/default/{name}" for name in "ab"]
_bodies = st.dictionaries(st.sampled_from("xyz"), st.sampled_from("123"), max_size=3)
_plan = st.tuples(st.just("plan"), st.sampled_from(SUBJECTS), _bodies, st.booleans())
_edit = st.tuples(
    st.sampled_from(["value", "member", "label", "digest", "remove"]), st.integers(0, 7)
)
_errors = st.sampled_from([0, 403, 409, 500])
_fail = st.tuples(
    st.just("fail"), st.sampled_from(["create", "apply", "delete", "get"]), _errors, st.booleans()
)
_others = st.sampled_from([("hear",), ("wait",), ("list",), ("heed the list",), ("restart",)])
ACTIONS = st.lists(_plan | _edit | _fail | _others, max_size=25)


@dataclass
class World:
    """A cluster, whoever leads, and what the last plans ask for.

    Attributes:
        deposed_goes_on: whether a leader that is deposed does not know, and hears no more.
    """

    cluster: FakeCluster = field(default_factory=FakeCluster)
    plans: dict[str, Asked] = field(default_factory=dict)
    seq: int = 0
    epoch: int = 1
    listed: tuple[int, dict[str, Mapping[str, Any]]] | None = None
    deposed_goes_on: bool = False

    def __post_init__(self) -> None:
        self.rig = Rig(self.cluster, concurrency=2)

    async def act(self, action: tuple[Any, ...]) -> None:
        match action:
            case ("plan", subject, values, confined):
                self.plan(subject, values, confined)
            case ("fail", verb, status, persisted):
                error = ClusterError(status, "Said", "so")
                self.cluster.fail(verb, error, persisted=persisted)
            case ("hear",):
                self.rig.deliver()
            case ("wait",):
                await self.rig.pass_time(3)
            case ("list",):
                self.listed = self.list()
            case ("heed the list",) if self.listed is not None:
                self.heed(*self.listed)
            case ("restart",):
                await self.restart()
            case (how, int(number)):
                self.disturb(how, number)

    def plan(self, subject: str, values: dict[str, str], confined: bool) -> None:
        self.seq += 1
        name = subject[-1]
        bodies = [config(f"{name}-{each}", v=values[each], w="1") for each in sorted(values)]
        confining = [policy(name)] if confined else []
        plan = asked(self.seq, *confining, *bodies, subject=subject, epoch=self.epoch)
        self.plans[subject] = plan
        self.rig.want(plan)

    def disturb(self, how: str, number: int) -> None:
        """Let somebody else change an object of ours."""
        ids = [each for each in self.cluster.ids() if each.rpartition("/")[2] != "bystander"]
        if not ids:
            return
        identifier = ids[number % len(ids)]
        if how == "remove":
            self.cluster.remove(identifier)
            return

        def change(body: dict[str, Any]) -> None:
            if how == "label":
                body["metadata"].pop("labels", None)
            elif how == "digest":
                body["metadata"]["annotations"][DIGEST] = "0" * 64
            elif "data" not in body:
                body["spec"]["egress"] = [{}]
            elif how == "value":
                body["data"]["v"] = "9"
            else:
                body["data"].pop("w", None)

        self.cluster.edit(identifier, change)

    def list(self) -> tuple[int, dict[str, Mapping[str, Any]]]:
        shown = {each: self.cluster.show(each) for each in self.cluster.ids()}
        managed = {
            each: body["metadata"] for each, body in shown.items() if body["metadata"].get("labels")
        }
        happened = self.cluster.happened
        return (happened[-1].version if happened else 100), managed

    def heed(self, version: int, listed: dict[str, Mapping[str, Any]]) -> None:
        """Take in a complete list, however old, as an informer that goes on from there."""
        for kind in ("v1/ConfigMap", "networking.k8s.io/v1/NetworkPolicy"):
            of_kind = {each: m for each, m in listed.items() if each.startswith(f"{kind}/")}
            self.rig.present.replace(kind, "default", of_kind, str(version))
        for subject in SUBJECTS:
            self.rig.applier.look(subject)

    async def restart(self) -> None:
        """Let the next epoch's leader take over, with nothing but a list."""
        if not self.deposed_goes_on:
            await self.rig.applier.stop()
        self.epoch += 1
        self.rig = Rig(self.cluster, concurrency=2)
        self.rig.deliver()
        self.heed(*self.list())
        self.plans = {s: plan._replace(epoch=self.epoch) for s, plan in self.plans.items()}
        for plan in self.plans.values():
            self.rig.want(plan)

    def shows_what_is_asked(self) -> None:
        wanted = {each.id: each.body for plan in self.plans.values() for each in plan.manifests}
        managed = {each for each in self.cluster.ids() if is_managed(self.cluster.show(each))}
        assert managed == {*wanted, manifest_id(BYSTANDER)}  # without a label, none asks for it
        for identifier, body in wanted.items():
            found = self.cluster.show(identifier)
            assert found["metadata"]["labels"] == body["metadata"]["labels"]
            for part in ("data", "spec"):
                kept = {name: each for name, each in body.get(part, {}).items() if each}
                assert found.get(part, {}) == kept
            stamp = stamp_of(found["metadata"])
            assert stamp is not None
            assert stamp.origin == ORIGIN


BYSTANDER = config("bystander", mine="yes")


@settings(max_examples=150)
@given(ACTIONS)
def test_the_cluster_ends_up_with_exactly_what_the_last_plans_ask_for(
    actions: list[tuple[Any, ...]],
) -> None:
    async def scenario() -> None:
        world = World()
        world.cluster.make(BYSTANDER)
        before = world.cluster.show(manifest_id(BYSTANDER))
        for action in actions:
            await world.act(action)
        await world.rig.settle()
        world.shows_what_is_asked()
        assert world.cluster.show(manifest_id(BYSTANDER)) == before
        writes = len(world.cluster.writes)
        for subject in SUBJECTS:
            world.rig.applier.look(subject)
        await world.rig.settle()
        assert len(world.cluster.writes) == writes
        done = {seq for seq, _ in world.rig.done()}
        assert {plan.seq for plan in world.plans.values()} <= done

    run(scenario())


@settings(max_examples=50)
@given(ACTIONS)
def test_no_object_is_applied_by_a_deposed_leader_after_its_successor(
    actions: list[tuple[Any, ...]],
) -> None:
    async def scenario() -> None:
        world = World(deposed_goes_on=True)
        for action in actions:
            await world.act(action)
        await world.rig.settle()
        epochs: dict[str, int] = {}
        for change in world.cluster.happened:
            seen = told_of(change)
            if seen is None or seen.is_gone:
                epochs.pop(change.id, None)
                continue
            stamp = stamp_of(seen.object["metadata"])
            if stamp is not None:
                assert stamp.epoch >= epochs.get(change.id, 0)
                epochs[change.id] = stamp.epoch

    run(scenario())
