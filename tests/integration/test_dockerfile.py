"""What the Dockerfile promises of the images, whoever builds them."""

from __future__ import annotations

import re
from fnmatch import fnmatch
from pathlib import Path

import pytest

from tests.images.dockerfile import Instruction, Stage, Unreadable, stages

REPOSITORY = Path(__file__).parents[2]
STAGES = {stage.name: stage for stage in stages((REPOSITORY / "Dockerfile").read_text())}
FINAL = ("agent", "operator")


def test_the_operators_image_is_what_is_built_if_nothing_else_is_asked_for() -> None:
    assert list(STAGES) == ["build", "agent", "operator"]


@pytest.mark.parametrize("name", FINAL)
def test_an_image_runs_as_a_user_without_rights_and_holds_only_what_was_built_before(
    name: str,
) -> None:
    stage = STAGES[name]
    (user,) = stage.of("USER")
    assert user.text == "65532:65532"
    assert stage.of("RUN") == []  # so nothing that is needed to build is in it
    (copied,) = stage.of("COPY")
    assert copied.words()[0] == "--from=build"


def test_an_image_starts_what_the_charts_and_the_examples_pods_rely_on() -> None:
    assert [each.command() for each in STAGES["operator"].of("ENTRYPOINT")] == [["rynxs"]]
    assert [each.command() for each in STAGES["operator"].of("CMD")] == [["operator"]]
    isolated = ["python", "-I", "-m", "rynxs_agent"]
    assert [each.command() for each in STAGES["agent"].of("ENTRYPOINT")] == [isolated]


def test_all_stages_begin_with_one_python_that_is_named_to_the_last_digit() -> None:
    (base,) = {stage.base for stage in STAGES.values()}
    assert re.fullmatch(r"python:3\.\d+\.\d+-slim-\w+", base)


def test_everything_is_installed_in_the_versions_that_were_tested() -> None:
    for each in STAGES["build"].of("RUN"):
        for command in each.text.split("&&"):
            if " install " in command:
                assert "--constraint constraints.txt" in command


def test_docker_is_given_what_is_copied_and_no_more() -> None:
    rules = (REPOSITORY / ".dockerignore").read_text().split()
    assert rules[0] == "*"
    let_in = {rule[1:] for rule in rules if rule.startswith("!")}
    copied = {source for each in STAGES["build"].of("COPY") for source in each.words()[:-1]}
    assert let_in == copied
    assert all((REPOSITORY / each).exists() for each in copied)
    kept_out = [rule for rule in rules[1:] if not rule.startswith("!")]
    for unwanted in ("rynxs/__pycache__", "plugins/sink_file/tests", "agent/tests"):
        assert any(fnmatch(unwanted, rule.replace("**/", "*")) for rule in kept_out)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("FROM python:3\n", "names no stage"),
        ("FROM python:3 AS one\nADD a b\n", "ADD a b is not carried out"),
        ("RUN true\n", "RUN true is not carried out"),
    ],
)
def test_what_is_not_carried_out_here_is_refused(text: str, said: str) -> None:
    with pytest.raises(Unreadable, match=said):
        stages(text)


def test_lines_are_joined_comments_left_out_and_defaults_put_in() -> None:
    text = 'ARG BASE=a:1\n# why\nFROM ${BASE} AS one\nRUN first \\\n# how\n && second\nCMD ["x"]\n'
    assert stages(text) == [
        Stage("one", "a:1", [Instruction("RUN", "first  && second"), Instruction("CMD", '["x"]')])
    ]


def test_a_command_that_is_a_line_for_a_shell_is_refused() -> None:
    with pytest.raises(Unreadable, match="rynxs operator is no JSON array"):
        Instruction("ENTRYPOINT", "rynxs operator").command()
