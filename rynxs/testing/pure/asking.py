"""What the kernel would ask of plugins while the samples come, change, go and come again."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from rynxs.engine import verdict
from rynxs.engine.contracts import Occasion
from rynxs.engine.state import Slices
from rynxs.engine.subject import parse_subject
from rynxs.testing.pure.calls import Call
from rynxs.testing.pure.samples import history

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rynxs.engine.event import Event
    from rynxs.testing.pure.samples import Sample


def calls(sample: Sample) -> Iterator[Call]:
    """Yield every call that the kernel would make of the sample's plugins on its history.

    An event concerns its subject, those that depend on it and those that read it: these are judged
    and rendered. Once all have come, once they are gone and once they are back, everybody is, as
    where a plugin has a new version.
    """
    asking = _Asking(sample)
    for phase in filter(None, history(asking.resources, sample.objects)):
        for event in phase:
            yield from asking.about(event)
        yield from asking.about_everybody(phase[-1])


class _Asking:
    """Plugins, and what they have made so far.

    A call that raises leaves everything as it was: whether it may raise is judged elsewhere.
    """

    def __init__(self, sample: Sample) -> None:
        self._reducers = sample.made("reducer")
        self._renderers = sorted(sample.made("renderer"), key=lambda each: str(each.name))
        self.resources = [each for reducer in self._reducers for each in reducer.resources]
        self._owners = {each.group_kind: own for own in self._reducers for each in own.resources}
        self._governors = {kind: own for own in self._reducers for kind in sorted(own.governs)}
        self._view = Slices()
        self._reads: dict[str, list[str]] = {}  # also the subjects that have ever been there

    def about(self, event: Event) -> Iterator[Call]:
        """Yield the calls that an event makes necessary."""
        subject, view = event.subject, self._view
        reducer, occasion = (
            self._owners[_kind_of(subject)],
            f"after record {event.seq}, {event.kind}",
        )
        arguments = view.get(subject), event, view
        reduction = Call(reducer, "reduce", subject, arguments, f"of {event.kind}")
        yield reduction
        try:
            view.put(subject, reduction.make())
        except Exception:  # a plugin may raise anything
            return
        dependents = Call(reducer, "dependents", subject, (subject, view), occasion)
        yield dependents
        yield from self._about_slice(reducer, subject, occasion)
        readers = [other for other, read in sorted(self._reads.items()) if subject in read]
        concerned = self._known([subject, *readers, *_named(dependents)])
        yield from self._judged_and_rendered(concerned, event.seq, occasion)

    def about_everybody(self, event: Event) -> Iterator[Call]:
        """Yield the calls by which all are judged and rendered anew, after an event."""
        occasion = f"anew after record {event.seq}"
        yield from self._judged_and_rendered(self._known(sorted(self._reads)), event.seq, occasion)

    def _about_slice(self, reducer: Any, subject: str, occasion: str) -> Iterator[Call]:
        """Yield the calls that ask a reducer about a slice that it has made."""
        current = self._view.get(subject)
        self._reads[subject] = []
        if current is not None:
            reads = Call(reducer, "reads", subject, (subject, current), occasion)
            yield reads
            self._reads[subject] = _named(reads)
            yield Call(reducer, "deadline", subject, (subject, current), occasion)
            yield Call(reducer, "status", subject, (subject, current, self._view, {}), occasion)

    def _judged_and_rendered(
        self, concerned: dict[str, None], seq: int, occasion: str
    ) -> Iterator[Call]:
        """Yield the calls that judge subjects, and those that a verdict concerns; then render."""
        waiting = list(concerned)
        for subject in waiting:  # which grows
            governor = self._governors.get(_kind_of(subject))
            if governor is None:
                continue
            yield from self._judged(governor, subject, seq, occasion)
            dependents = Call(governor, "dependents", subject, (subject, self._view), occasion)
            yield dependents
            more = [each for each in self._known(_named(dependents)) if each not in concerned]
            concerned.update(dict.fromkeys(more))
            waiting += more
        for subject in concerned:
            yield from self._rendered(subject, occasion)

    def _judged(self, governor: Any, subject: str, seq: int, occasion: str) -> Iterator[Call]:
        """Yield the call that judges a subject; puts the verdict down in the view."""
        view = self._view
        judged_for = Occasion(seq, is_planned=view.verdict(subject) is not None)
        arguments = subject, view.get(subject), view, judged_for
        judgement = Call(governor, "judge", subject, arguments, occasion)
        yield judgement
        with suppress(Exception):  # it is no verdict, or a plugin raised anything
            found = verdict.payload(governor, judgement.make())
            view.put_verdict(subject, found["verdict"])

    def _rendered(self, subject: str, occasion: str) -> Iterator[Call]:
        """Yield the calls that render and revise the manifests of a subject."""
        current = self._view.governed(subject)
        if current is None:
            return
        manifests: list[Any] = []
        for renderer in self._renderers:
            rendering = Call(renderer, "render", subject, (subject, current, self._view), occasion)
            yield rendering
            with suppress(Exception):  # a plugin may raise anything
                manifests += rendering.make()
        for renderer in self._renderers:
            arguments = subject, current, self._view, manifests
            revision = Call(renderer, "revise", subject, arguments, occasion)
            yield revision
            with suppress(Exception):
                manifests = revision.make()

    def _known(self, subjects: list[str]) -> dict[str, None]:
        """Return those that are there, or have been, each once."""
        return dict.fromkeys(each for each in subjects if each in self._reads)


def _named(call: Call) -> list[str]:
    """Return the subjects that a call names; whether it may name others is judged elsewhere."""
    try:
        return [each for each in call.make() if isinstance(each, str)]
    except Exception:  # a plugin may raise anything
        return []


def _kind_of(subject: str) -> str:
    return parse_subject(subject).group_kind
