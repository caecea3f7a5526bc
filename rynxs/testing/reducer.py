"""The conformance kit for reducers.

In a test module of the plugin::

    from rynxs.testing.reducer import ReducerConformance

    class TestWidget(ReducerConformance):
        plugin_module = "acme_widget_reducer"
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

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import pytest

from rynxs.engine.contracts import Reducer
from rynxs.engine.event import observed
from rynxs.engine.observation import problems
from rynxs.engine.resource import DNS_SUBDOMAIN, Resource, SpecModel
from rynxs.engine.state import Slices
from rynxs.errors import ValueRefused
from rynxs.eventlog import canonical
from rynxs.eventlog.record import is_kind, is_subject
from rynxs.schema import json_schema_of
from rynxs.testing.hooks import Pick
from rynxs.testing.pure.calls import changes
from rynxs.testing.pure.purity import PureConformance
from rynxs.testing.pure.samples import (
    UNHEARD_OF,
    Sample,
    appearances,
    deletion,
    observation,
    owned,
    scoped,
    unheard_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rynxs.engine.event import Event
    from rynxs.testing.pure.calls import Call

_PLURAL = re.compile(r"[a-z]([-a-z0-9]{0,61}[a-z0-9])?", re.ASCII)
_VERSION = re.compile(r"v[1-9][0-9]*((alpha|beta)[1-9][0-9]*)?", re.ASCII)


class ReducerConformance(PureConformance):
    """The promises of a reducer; `objects` are of the kinds that it owns, at least one of each.

    Attributes:
        neighbours: sample manifests of other reducers' kinds, which it governs or reads.
        reducer_modules: the hook modules of those reducers.
        reducer_settings: their raw settings by module, where they need some.
    """

    neighbours: ClassVar[Sequence[Mapping[str, Any]]] = ()
    reducer_modules: ClassVar[Sequence[str]] = ()
    reducer_settings: ClassVar[Mapping[str, Mapping[str, Any]]] = {}

    family = "reducer"
    contract = Reducer
    methods: ClassVar[Sequence[str]] = (
        "reduce", "dependents", "reads", "judge", "deadline", "status",
    )  # fmt: skip

    def sample(self) -> Sample:
        """Return the sample objects, and the reducers that make slices of them."""
        others = [
            Pick("reducer", module, self.reducer_settings.get(module, {}))
            for module in self.reducer_modules
        ]
        return Sample([*others, self.pick()], [*self.neighbours, *self.objects])

    def calls(self) -> Iterator[Call]:
        """Yield the calls of the reducer under test, none of its neighbours'."""
        name = self.made().name
        return (call for call in super().calls() if call.plugin.name == name)

    @pytest.fixture
    def reducer(self) -> Reducer:
        """A new reducer."""
        made: Reducer = self.made()
        return made

    @pytest.fixture
    def samples(self, reducer: Reducer) -> list[tuple[Resource, dict[str, Any]]]:
        """The sample objects, each with its resource."""
        assert self.objects, "objects is empty; a reducer is judged by what it makes of samples"
        return self._samples_of(reducer)

    def _samples_of(self, reducer: Reducer) -> list[tuple[Resource, dict[str, Any]]]:
        owners = [owned(reducer.resources, manifest) for manifest in self.objects]
        return [(each, scoped(each, m)) for each, m in zip(owners, self.objects, strict=True)]

    def test_its_resources_are_well_formed(self, reducer: Reducer) -> None:
        """Group, kind, plural, scope and versions are such as Kubernetes takes."""
        assert reducer.resources, "a reducer owns at least one kind"
        for resource in reducer.resources:
            wrong = [name for name, is_right in _rules(resource).items() if not is_right]
            assert not wrong, f"{resource.group_kind}: {', '.join(wrong)} must be well formed"

    def test_no_two_resources_are_of_one_kind(self, reducer: Reducer) -> None:
        """Neither kind nor plural stands twice in a group."""
        for what in ("kind", "plural"):
            names = [(resource.group, getattr(resource, what)) for resource in reducer.resources]
            twice = sorted({name for name in names if names.count(name) > 1})
            assert not twice, f"each {what} must stand once, and these do not: {twice}"

    def test_its_specs_have_a_json_schema_and_refuse_unknown_fields(self, reducer: Reducer) -> None:
        """A CRD can be generated from every spec model, and a slip in a spec is told."""
        for resource in reducer.resources:
            model = resource.spec
            assert issubclass(model, SpecModel), (
                f"{resource.kind}: {model.__name__} must be derived from rynxs.api.SpecModel"
            )
            schema = json_schema_of(model)
            assert schema.get("additionalProperties") is False, (
                f"{resource.kind}: {model.__name__} must refuse unknown fields"
            )

    def test_the_samples_are_valid_and_of_every_kind_it_owns(
        self, reducer: Reducer, samples: list[tuple[Resource, dict[str, Any]]]
    ) -> None:
        """The kit is given something to judge by."""
        for resource, manifest in samples:
            found = "\n".join(f"  {problem}" for problem in problems(resource, manifest))
            name = manifest["metadata"]["name"]
            assert not found, f"the sample {resource.kind} {name} must be valid\n{found}"
        missing = {r.group_kind for r in reducer.resources} - {r.group_kind for r, _ in samples}
        assert not missing, f"objects must hold at least one of {sorted(missing)}"

    def test_a_valid_object_gets_a_slice(
        self, reducer: Reducer, samples: list[tuple[Resource, dict[str, Any]]]
    ) -> None:
        """An observation that its model accepts is taken in, and is not lost."""
        for resource, manifest in samples:
            event = observation(resource, manifest)
            after = _reduced(reducer, None, event)
            assert after is not None, f"{_what(event)} must give a slice"

    def test_an_object_that_was_refused_is_taken_in(
        self, reducer: Reducer, samples: list[tuple[Resource, dict[str, Any]]]
    ) -> None:
        """An observation with `refused` and no spec is an event like any other."""
        for resource, manifest in samples:
            valid, _, refused, _ = [observation(resource, m) for m in appearances(manifest)]
            _reduced(reducer, None, refused)
            _reduced(reducer, _reduced(reducer, None, valid), refused)

    def test_a_deletion_removes_the_slice_or_changes_it(
        self, reducer: Reducer, samples: list[tuple[Resource, dict[str, Any]]]
    ) -> None:
        """After `<Kind>Deleted` the slice is None, or says that the object is gone."""
        for resource, manifest in samples:
            before = _reduced(reducer, None, observation(resource, manifest))
            event = deletion(resource, manifest)
            after = _reduced(reducer, before, event)
            assert after is None or changes(before, after), (
                f"{_what(event)} must return None or a slice that differs from the one before"
            )

    def test_an_event_of_an_unknown_kind_leaves_the_slice_as_it_is(
        self, reducer: Reducer, samples: list[tuple[Resource, dict[str, Any]]]
    ) -> None:
        """Later kernels record kinds of events that this reducer has never heard of."""
        for resource, manifest in samples:
            event = observation(resource, manifest)
            unknown = unheard_of(event.subject)
            for before in (None, _reduced(reducer, None, event)):
                found = changes(before, _reduced(reducer, before, unknown))
                assert not found, f"{UNHEARD_OF} must leave the slice as it is\n{found}"

    def test_a_kind_that_decides_a_slice_needs_nothing_that_was_before(
        self, reducer: Reducer
    ) -> None:
        """What `decided_by` names gives the same after any slice; other kinds leave it as it is."""
        for resource, manifest in self._samples_of(reducer) if reducer.decided_by else ():
            events = [
                *(observation(resource, each) for each in appearances(manifest)),
                deletion(resource, manifest),
            ]
            slices = [None, *(_reduced(reducer, None, event) for event in events)]
            for event in events:
                decided = event.kind in reducer.decided_by
                alone = _reduced(reducer, None, event)
                for before in slices:
                    found = changes(alone if decided else before, _reduced(reducer, before, event))
                    assert not found, (
                        f"{_what(event)} must give the same slice after any other, as decided_by "
                        f"says\n{found}"
                        if decided
                        else f"{_what(event)} must leave the slice as it is\n{found}"
                    )

    def test_every_slice_is_a_map_of_json_values(self) -> None:
        """What a reducer returns can be encoded: maps, lists, text, numbers, booleans and null."""
        for call in self.calls():
            if call.method == "reduce":
                try:
                    after = call.make()
                except Exception:  # whether it may raise is judged above
                    continue
                fault = _fault(after)
                assert not fault, f"{call}: must return None or a map of JSON values, but {fault}"

    def test_dependents_are_subjects(self) -> None:
        """`dependents` names subjects in full: group/Kind/namespace/name, or group/Kind/name."""
        for call in self.calls():
            if call.method == "dependents":
                wrong = [name for name in call.make() if not _is_subject(name)]
                assert not wrong, f"{call}: must return subjects, and these are none: {wrong}"


def _rules(resource: Resource) -> dict[str, bool]:
    """Return what is right about a resource, by the attribute."""
    return {
        "group": re.fullmatch(DNS_SUBDOMAIN, resource.group) is not None and "." in resource.group,
        "kind": is_kind(observed(resource.kind)),
        "plural": _PLURAL.fullmatch(resource.plural) is not None,
        "scope": resource.scope in {"Namespaced", "Cluster"},
        "versions": bool(resource.versions)
        and all(_VERSION.fullmatch(version) for version in resource.versions)
        and len(set(resource.versions)) == len(resource.versions),
        "short_names": all(_PLURAL.fullmatch(name) for name in resource.short_names),
        "name_pattern": _compiles(resource.name_pattern),
    }


def _compiles(pattern: str) -> bool:
    try:
        re.compile(pattern)
    except re.error:
        return False
    return True


def _reduced(reducer: Reducer, before: Mapping[str, Any] | None, event: Event) -> Any:
    """Return a slice after an event; no other subject is there."""
    try:
        return reducer.reduce(before, event, Slices())
    except Exception as error:
        raise AssertionError(
            f"reduce() must take in {_what(event)}, but raised {type(error).__name__}: {error}"
        ) from error


def _what(event: Event) -> str:
    refused = " that was refused, without a spec," if "refused" in event.payload else ""
    return f"{event.kind}{refused} of {event.subject}"


def _fault(current: Any) -> str:
    """Return why something is no slice, empty when it is one."""
    if current is None:
        return ""
    if not isinstance(current, Mapping):
        return f"returned {type(current).__name__}"
    try:
        canonical.encode(dict(current))
    except ValueRefused as error:
        return str(error)
    return ""


def _is_subject(name: object) -> bool:
    return isinstance(name, str) and bool(name) and is_subject(name)
