"""What reducers and renderers promise alike: they are functions of their arguments.

Each promise is judged on every call that the kernel would make while the sample objects come,
change, are refused, go, and come again.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import ValidationError

from rynxs.engine import shapes
from rynxs.testing.hooks import Pick
from rynxs.testing.plugin import PluginConformance
from rynxs.testing.pure.asking import calls
from rynxs.testing.pure.calls import changes, snapshot
from rynxs.testing.pure.frozen import freeze
from rynxs.testing.pure.live import run_live, run_replay
from rynxs.testing.pure.samples import Sample
from rynxs.testing.pure.transcript import transcripts
from rynxs.testing.pure.watch import watched

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from rynxs.testing.pure.calls import Call


class PureConformance(PluginConformance):
    """The promises of reducers and renderers.

    Attributes:
        objects: sample manifests, valid and as different as can be: what they make the plugin do
            is what is judged.
        hash_seeds: of the processes that must all give the same. The order of a set of two shows
            in about half of the processes, so a few more make sure.
    """

    objects: ClassVar[Sequence[Mapping[str, Any]]] = ()
    hash_seeds: ClassVar[Sequence[int]] = (1, 2, 3, 4)
    contract: ClassVar[type]
    methods: ClassVar[Sequence[str]]

    def sample(self) -> Sample:
        """Return the sample objects with all that works on them."""
        return Sample([self.pick()], self.objects)

    def pick(self) -> Pick:
        """Return the plugin under test with its settings."""
        return Pick(self.family, self.plugin_module, self.settings)

    def made(self) -> Any:
        """Return a new reducer or renderer."""
        return self.pick().made().plugin

    def calls(self) -> Iterator[Call]:
        """Yield the calls of the plugin under test."""
        return (call for call in calls(self.sample()) if call.method in self.methods)

    def test_it_makes_what_it_declares(self, plugin: Any) -> None:
        """What `create` returns bears the declared name, and a version that can be recorded."""
        made: Any = self.made()
        fits = isinstance(made, self.contract)
        assert fits, f"create() must return a {self.contract.__name__}, not a {type(made).__name__}"
        assert made.name == plugin.name, f"{made.name!r} must be called {plugin.name!r}"
        try:
            shapes.Component(name=made.name, version=made.version, settings={})
        except ValidationError as error:
            raise AssertionError(f"version {made.version!r} can't be recorded: {error}") from None

    def test_the_same_call_gives_the_same_again(self) -> None:
        """The result depends on nothing that was done before, by the same instance or another."""
        for call in self.calls():
            first = call.outcome()
            other = call._replace(plugin=self.made())
            for again, whose in ((call, "again"), (other, "by a new instance")):
                found = changes(first, again.outcome())
                assert not found, f"{call}: made {whose}, it must give the same\n{found}"

    def test_nothing_that_is_passed_in_is_changed(self) -> None:
        """Slices, payloads and the view are only read, be there something to change or not."""
        for call in self.calls():
            before = snapshot(call.arguments)
            call.outcome()
            changed = snapshot(call.arguments) != before
            found = changes(json.loads(before), call.arguments) if changed else ""
            assert not found, f"{call}: must change nothing passed in\n{found}"
            attempts: list[str] = []
            frozen = tuple(freeze(argument, attempts) for argument in call.arguments)
            call._replace(arguments=frozen).outcome()
            assert not attempts, _listed(f"{call}: must change nothing passed in", attempts)

    def test_no_clock_environment_file_or_random_number_is_read(self) -> None:
        """Everything comes from the arguments; a log holds nothing else to repeat the call with."""
        for call in self.calls():
            with watched() as reads:
                call.outcome()
            assert not reads, _listed(f"{call}: must read nothing but its arguments", reads)

    def test_every_process_gives_the_same(self) -> None:
        """Neither hash seed (the order of a set, `hash`) nor time zone shows in a result."""
        first, *others = transcripts(self.sample(), self.hash_seeds)
        for other in others:
            for (call, outcome), (_, another) in zip(first, other, strict=True):
                found = changes(outcome, another)
                assert not found, f"{call}: must give the same in every process\n{found}"

    def test_replay_gives_what_the_live_run_gave(self) -> None:
        """A log that the plugin filled recomputes to the same state and the same plans."""
        records, live = run_live(self.sample())
        found = changes(live.slices, run_replay(self.sample(), records).slices)
        assert not found, f"replay must reach the state of the live run\n{found}"


def _listed(sentence: str, lines: Sequence[str]) -> str:
    return "\n".join([sentence, *(f"  {line}" for line in lines)])
