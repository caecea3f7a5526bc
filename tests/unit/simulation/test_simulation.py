"""The operator keeps its promises in every world; and a world is the same whenever it is made."""

from __future__ import annotations

import os
import subprocess
import sys
from itertools import count
from typing import Any

import pytest

from rynxs.simulation import __main__ as command
from rynxs.simulation import api_server, things, trial
from rynxs.simulation.faults import KINDS
from rynxs.simulation.trial import Outcome, Trial

SHARES, SEEDS = 25, 8
FAMILIES = {"network", "bucket", "api", "disk", "world", "plugin"}


@pytest.mark.parametrize("share", range(SHARES))
def test_every_promise_is_kept(share: int) -> None:
    for seed in range(share * SEEDS, (share + 1) * SEEDS):
        outcome = Trial(seed).run()
        assert not outcome.broken, f"seed {seed}: {outcome.broken}"


def test_there_is_something_to_be_kept() -> None:
    outcomes = [Trial(seed).run() for seed in range(8)]
    assert {kind.partition(":")[0] for each in outcomes for kind in each.counts} == FAMILIES
    assert sum(each.records for each in outcomes) > 100
    assert sum(each.effects for each in outcomes) > 50


@pytest.mark.slow
def test_each_kind_of_fault_happens() -> None:
    happened = {kind for seed in range(300) for kind in Trial(seed).run().counts}
    assert happened == set(KINDS)


@pytest.mark.parametrize("seed", [3, 5])  # on S3, in files
def test_a_seed_is_the_same_world_whenever_and_wherever_it_is_run(seed: int) -> None:
    said = [
        subprocess.run(
            [sys.executable, "-m", "rynxs.simulation", "--trace", "--seed", str(seed)],
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for hash_seed in ("1", "2")
    ]
    assert said[0] == said[1]
    *trace, end, verdict = said[0].splitlines()
    assert len(trace) > 50
    assert end.startswith("clock ")
    assert "next random number 0." in end
    assert verdict == f"seed {seed}: every promise was kept"


def test_another_seed_is_another_world() -> None:
    one, other = Trial(1).run(), Trial(2).run()
    assert (one.now_us, one.draw, one.head) != (other.now_us, other.draw, other.head)


def breaking(monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    """Let a promise be broken by each fault of a kind, in the last one of a world."""

    class Broken(Trial):
        def run(self) -> Outcome:
            outcome = super().run()
            happened = any(kind in each.what for each in outcome.trace)
            return outcome._replace(broken="it happened" if happened else "")

    monkeypatch.setattr(trial, "Trial", Broken)
    monkeypatch.setattr("rynxs.simulation.minimal.Trial", Broken)
    monkeypatch.setattr(command, "Trial", Broken)


def test_a_broken_promise_is_told_with_the_least_that_breaks_it_and_how_to_see_it_again(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    breaking(monkeypatch, "network: answer lost")
    monkeypatch.setattr("rynxs.simulation.minimal._TRIALS_MAX", 15)
    found = next(
        each for each in map(_outcome, range(20)) if each.counts.get("network: answer lost")
    )
    monkeypatch.setattr(
        command, "outcomes", lambda *_: iter([found._replace(broken="it happened")])
    )
    assert command.main(["--seed", str(found.seed), "--runs", "1"]) == 1
    said = capsys.readouterr().out.splitlines()
    assert f"seed {found.seed}: it happened" in said
    again = next(line for line in said if line.startswith("again: "))
    arguments = again.split()[4:]
    assert command.main(arguments) == 1
    trace = capsys.readouterr().out
    assert sum("fault " in line for line in trace.splitlines()) < found.drawn


def _outcome(seed: int) -> Outcome:
    return Trial(seed).run()


def test_how_much_was_simulated_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["--seed", "3", "--runs", "2", "--jobs", "1"]) == 0
    said = capsys.readouterr().out
    assert "2 runs in " in said
    assert "simulated hours" in said
    assert said.endswith("broken promises: 0\n")


@pytest.mark.parametrize(
    "arguments",
    [[], ["--runs", "-1"], ["--runs", "1", "--without", "3"], ["--trace", "--seed", "x"]],
)
def test_what_makes_no_sense_is_refused(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        command.main(arguments)
    assert ended.value.code == 2
    assert "error: " in capsys.readouterr().err


class TestInvariants:
    """Each is broken by what it forbids, so that it can be."""

    @staticmethod
    def broken(monkeypatch: pytest.MonkeyPatch, name: str, lie: object) -> str:
        monkeypatch.setattr(trial, "_ROTTEN", 0.0)
        monkeypatch.setattr(name, lie)
        seeds = (3, 0, 1, 2)  # of both sinks; in the first it takes no long rest to notice
        return next((said for seed in seeds if (said := Trial(seed).run().broken)), "")

    def test_a_wrong_root_is_noticed(self, monkeypatch: pytest.MonkeyPatch) -> None:
        from rynxs.eventlog.log import Log

        real = Log.checkpoint

        def lie(self: Log, origin: str) -> object:
            return real(self, origin)._replace(root=bytes(32))

        assert self.broken(monkeypatch, "rynxs.eventlog.log.Log.checkpoint", lie)

    def test_an_applier_that_does_nothing_is_noticed(self, monkeypatch: pytest.MonkeyPatch) -> None:
        said = self.broken(monkeypatch, "rynxs.operator.applier.Applier.want", lambda *_: None)
        assert "after all was well again" in said

    @pytest.mark.parametrize(
        ("name", "lie"),
        [
            ("rynxs_sink_s3.writer.S3Writer._create", lambda *_: '"etag"'),
            ("rynxs_sink_file.open_segment.OpenSegment.write", lambda *_: None),
        ],
    )
    def test_a_batch_that_is_not_written_is_noticed(
        self, monkeypatch: pytest.MonkeyPatch, name: str, lie: object
    ) -> None:
        assert self.broken(monkeypatch, name, lie)

    def test_a_state_that_replay_does_not_make_is_noticed(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        real, numbers = things.ThingReducer.reduce, count()

        def lie(self: things.ThingReducer, *arguments: Any) -> object:
            made = real(self, *arguments)
            return made and {**made, "number": next(numbers)}

        said = self.broken(monkeypatch, "rynxs.simulation.things.ThingReducer.reduce", lie)
        assert said == "replay makes another state than the leader has"

    def test_a_plan_that_is_another_one_each_time_is_noticed(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        real, numbers = things.config_maps, count()

        def lie(*arguments: Any) -> object:
            number = {"number": str(next(numbers))}
            return [
                {**each, "metadata": {**each["metadata"], "annotations": number}}
                for each in real(*arguments)
            ]

        said = self.broken(monkeypatch, "rynxs.simulation.things.config_maps", lie)
        assert "the plan of simulation.rynxs/Thing/default/" in said

    def test_a_write_of_an_older_epoch_is_noticed_once_nothing_fences_it(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Each fence alone would do, but for a request that is late."""
        real = api_server.Client.apply

        async def applied(self: api_server.Client, body: Any, entries: Any) -> object:
            metadata = {**body["metadata"]}
            del metadata["uid"], metadata["resourceVersion"]
            return await real(self, {**body, "metadata": metadata}, entries)

        monkeypatch.setattr(api_server.Client, "apply", applied)
        monkeypatch.setattr("rynxs.operator.writer.Writer._refuse_contested", lambda *_: None)
        said = self.broken(monkeypatch, "rynxs.operator.process.Process._may_write", lambda _: None)
        assert "of epoch 1: apply v1/ConfigMap/default/" in said
        assert said.endswith("which epoch 2 has written by now")
