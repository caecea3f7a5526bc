"""The conformance kit for renderers.

A renderer is judged by what it makes of the slices that real reducers make of sample objects. In a
test module of the plugin::

    from rynxs.testing.renderer import RendererConformance

    class TestWidget(RendererConformance):
        plugin_module = "acme_widget_renderer"
        reducer_modules = ["acme_widget_reducer"]
        objects = [
            {
                "apiVersion": "acme.example/v1",
                "kind": "Widget",
                "metadata": {"name": "small"},
                "spec": {"size": 3},
            },
        ]
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import ValidationError

from rynxs.engine.contracts import Renderer
from rynxs.engine.plan import manifest_id
from rynxs.engine.shapes import ManifestShape
from rynxs.engine.subject import parse_subject
from rynxs.errors import ValueRefused
from rynxs.eventlog import canonical
from rynxs.testing.hooks import Pick
from rynxs.testing.pure.calls import plain
from rynxs.testing.pure.purity import PureConformance
from rynxs.testing.pure.samples import Sample

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from rynxs.testing.pure.calls import Call

_FOREIGN_GROUP = "foreign.example"
_NAMESPACED = {
    "": {
        "ConfigMap", "LimitRange", "PersistentVolumeClaim", "Pod", "ResourceQuota", "Secret",
        "Service", "ServiceAccount",
    },
    "apps": {"DaemonSet", "Deployment", "StatefulSet"},
    "autoscaling": {"HorizontalPodAutoscaler"},
    "batch": {"CronJob", "Job"},
    "coordination.k8s.io": {"Lease"},
    "networking.k8s.io": {"Ingress", "NetworkPolicy"},
    "policy": {"PodDisruptionBudget"},
    "rbac.authorization.k8s.io": {"Role", "RoleBinding"},
}  # fmt: skip
"""Kinds of Kubernetes that live in a namespace, by group."""


class RendererConformance(PureConformance):
    """The promises of a renderer.

    Attributes:
        reducer_modules: the hook modules of the reducers that make its slices.
        reducer_settings: their raw settings by module, where they need some.
        renderer_modules: the hook modules of the renderers whose manifests it revises.
        renderer_settings: their raw settings by module, where they need some.
    """

    family = "renderer"
    contract = Renderer
    methods: ClassVar[Sequence[str]] = ("render", "revise")
    reducer_modules: ClassVar[Sequence[str]] = ()
    reducer_settings: ClassVar[Mapping[str, Mapping[str, Any]]] = {}
    renderer_modules: ClassVar[Sequence[str]] = ()
    renderer_settings: ClassVar[Mapping[str, Mapping[str, Any]]] = {}

    def sample(self) -> Sample:
        """Return the sample objects, the reducers that make slices of them, and the renderer."""
        assert self.reducer_modules, "reducer_modules is empty; a renderer needs slices to render"
        reducers = [
            Pick("reducer", module, self.reducer_settings.get(module, {}))
            for module in self.reducer_modules
        ]
        revised = [
            Pick("renderer", module, self.renderer_settings.get(module, {}))
            for module in self.renderer_modules
        ]
        return Sample([*reducers, *revised, self.pick()], self.objects)

    def calls(self) -> Iterator[Call]:
        """Yield the calls of the renderer under test, none of those that it revises."""
        name = self.made().name
        return (call for call in super().calls() if call.plugin.name == name)

    def test_it_renders_something_of_the_samples(self) -> None:
        """The kit is given something to judge by: manifests that it makes, adds or changes."""
        assert any(_is_made(call, bodies) for call, bodies in self._rendered()), (
            "objects must hold one that the renderer makes manifests of, or changes those of others"
        )

    def test_every_slice_can_be_rendered(self) -> None:
        """No slice that the reducers make is a reason to raise, that of a refused object least."""
        for call in self.calls():
            try:
                call.make()
            except Exception as error:
                raise AssertionError(
                    f"{call}: must not raise, but raised {type(error).__name__}: {error}"
                ) from error

    def test_every_manifest_is_a_map_of_json_values(self) -> None:
        """What a renderer returns can be encoded and digested."""
        for call, bodies in self._rendered():
            for body in bodies:
                try:
                    canonical.encode(body)
                except ValueRefused as error:
                    raise AssertionError(f"{call}: no map of JSON values: {error}") from None

    def test_every_manifest_has_apiversion_kind_and_name(self) -> None:
        """Without them no manifest can be applied, or even named."""
        for call, bodies in self._rendered():
            for body in bodies:
                fault = _fault(body)
                assert not fault, f"{call}: not a manifest: {fault}"

    def test_every_manifest_of_a_namespaced_kind_names_its_namespace(self) -> None:
        """It must not depend on where it is applied from."""
        for call, bodies in self._rendered():
            for body in filter(_is_whole, bodies):
                group = body["apiVersion"].rpartition("/")[0]
                is_namespaced = body["kind"] in _NAMESPACED.get(group, ())
                assert body["metadata"].get("namespace") or not is_namespaced, (
                    f"{call}: {manifest_id(body)} must have a metadata.namespace"
                )

    def test_what_it_makes_is_of_the_kinds_that_it_declares(self) -> None:
        """An operator watches what `kinds` names, if it names any, and nothing else."""
        declared = set(self.made().kinds)
        for call, bodies in self._rendered():
            given = call.arguments[3] if call.method == "revise" else ()
            made = [body for body in filter(_is_whole, bodies) if body not in given]
            wrong = {f"{body['apiVersion']}/{body['kind']}" for body in made} - declared
            assert not (declared and wrong), f"{call}: kinds must name {', '.join(sorted(wrong))}"

    def test_no_manifest_is_rendered_twice_for_a_subject(self) -> None:
        """Two manifests of one subject never have the same id."""
        for call, bodies in self._rendered():
            ids = [manifest_id(body) for body in bodies if _is_whole(body)]
            twice = sorted({each for each in ids if ids.count(each) > 1})
            assert not twice, f"{call}: rendered twice: {', '.join(twice)}"

    def test_a_subject_of_a_foreign_kind_gets_nothing(self) -> None:
        """Other renderers render other kinds, be it a kind of the same name in another group."""
        for call, bodies in self._rendered():
            own = parse_subject(call.subject)
            if call.method != "render":
                continue
            for kind in (own.kind, "Foreign") if bodies else ():
                foreign = str(own._replace(group=_FOREIGN_GROUP, kind=kind))
                other = call._replace(arguments=(foreign, *call.arguments[1:]))
                outcome = other.outcome()
                found = f"raised {outcome['raised']}" if "raised" in outcome else "returned some"
                assert outcome == {"returned": []}, (
                    f"render() must return no manifest for {foreign}, but it {found}"
                )

    def test_a_renderer_revises_nothing_of_a_foreign_kind(self) -> None:
        """What others rendered of a kind that is not its own stays as it is."""
        for call in self.calls():
            if call.method == "revise":
                *_, manifests = call.arguments
                foreign = str(parse_subject(call.subject)._replace(group=_FOREIGN_GROUP))
                outcome = call._replace(arguments=(foreign, *call.arguments[1:])).outcome()
                assert outcome == {"returned": plain(manifests)}, (
                    f"revise() must return the manifests of {foreign} as they are"
                )

    def _rendered(self) -> Iterator[tuple[Call, list[Any]]]:
        """Yield the calls that do not raise, with their manifests."""
        for call in self.calls():
            try:
                bodies = call.make()
            except Exception:  # that none does is a promise of its own
                continue
            yield call, bodies


def _is_made(call: Call, bodies: list[Any]) -> bool:
    """Tell whether what a call returned is, at least in part, the renderer's own."""
    given = call.arguments[-1] if call.method == "revise" else []
    return bool(plain(bodies) != plain(given))


def _fault(body: Any) -> str:
    """Return why something is not a manifest, empty when it is one."""
    try:
        ManifestShape.model_validate(body)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        return f"{'.'.join(map(str, first['loc'])) or 'it'}: {first['msg']}"
    for field in ("annotations", "labels"):
        pairs = body["metadata"].get(field) or {}
        if not isinstance(pairs, dict) or not all(isinstance(v, str) for v in pairs.values()):
            return f"metadata.{field}: must be a map of text to text"
    return ""


def _is_whole(body: Any) -> bool:
    return not _fault(body)
