"""The fuzz targets hold on their seeds, on the inputs that are kept, and on some changed ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings

from tests.fuzz import __main__ as command
from tests.fuzz.mutated import mutated
from tests.fuzz.target import CORPUS, Target, kept
from tests.fuzz.targets import PLANTED, TARGETS

if TYPE_CHECKING:
    from pathlib import Path

EXAMPLES = 15
CORPUS_SIZE_MAX = 300_000
ALIKE = settings(
    max_examples=EXAMPLES,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


@pytest.mark.parametrize("target", TARGETS.values(), ids=TARGETS)
def test_a_target_holds_on_what_is_known_and_on_some_that_is_like_it(target: Target) -> None:
    starts = target.starts()
    assert starts
    for data in starts:
        target.run(data)
    ALIKE(given(mutated(starts, list(target.words())))(target.run))()


def test_a_broken_promise_is_found_and_can_be_repeated(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = ["--place", str(tmp_path)]
    assert command.main([*place, "--seconds", "20", PLANTED.name]) == 1
    shown = capsys.readouterr().out
    (row,) = (line.split() for line in shown.splitlines() if line.startswith(PLANTED.name))
    assert int(row[1]) > 0
    assert "ZeroDivisionError" in shown
    (finding,) = (tmp_path / "findings" / PLANTED.name).iterdir()
    assert f"to repeat it: python -m tests.fuzz --input {finding} {PLANTED.name}" in shown
    with pytest.raises(ZeroDivisionError):
        command.main(["--input", str(finding), PLANTED.name])


def test_a_promise_that_holds_is_no_finding(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.main(["--place", str(tmp_path), "--seconds", "0", "stamp"]) == 0
    assert "0 of 1 targets have a finding" in capsys.readouterr().out
    assert not [*(tmp_path / "findings" / "stamp").iterdir()]


def test_a_target_that_is_not_there_is_refused_with_those_that_are(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit) as refused:
        command.main(["heeder"])
    assert refused.value.code == 2
    assert "no target is called heeder; there are: item, header, " in capsys.readouterr().err


def test_changed_inputs_find_what_is_planted() -> None:
    with pytest.raises(ZeroDivisionError):
        settings(ALIKE, max_examples=500)(given(mutated(PLANTED.starts()))(PLANTED.run))()


def test_the_kept_inputs_are_few_and_each_is_of_a_target() -> None:
    files = sorted(CORPUS.iterdir())
    assert {file.name for file in files} <= {f"{name}.txt" for name in TARGETS}
    assert sum(file.stat().st_size for file in files) < CORPUS_SIZE_MAX
    for file in files:
        assert kept(file.stem)
