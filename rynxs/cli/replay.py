"""``rynxs replay``: the state at a point of the log, recomputed from its records."""

from __future__ import annotations

import sys
from contextlib import closing
from enum import Enum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rynxs.cli.options import ConfigOption, JsonOption, LogOption, configured

if TYPE_CHECKING:
    from rynxs.config import Config
    from rynxs.embedded.points import Point
    from rynxs.eventlog.sink import Sink


class ReplayOutput(Enum):
    """What ``-o`` prints."""

    SUMMARY = "summary"
    YAML = "yaml"


def command(
    at: Annotated[
        str | None,
        typer.Option(
            "--at",
            metavar="SEQ|TIME|CHECKPOINT",
            help="The moment to show: a record, an RFC 3339 time, or the file of a checkpoint.",
            show_default="the newest",
        ),
    ] = None,
    diff: Annotated[
        tuple[str, str] | None,
        typer.Option(
            "--diff",
            metavar="A B",
            help="What changed between two moments, and who caused it.",
            show_default=False,
        ),
    ] = None,
    subject: Annotated[
        str | None,
        typer.Option("--subject", metavar="SUBJECT", help="Show this one.", show_default="all"),
    ] = None,
    check: Annotated[
        bool,
        typer.Option(
            "--check", help="Recompute every plan and verdict, and compare them with the log."
        ),
    ] = False,
    against_installed: Annotated[
        bool,
        typer.Option(
            "--against-installed",
            help="Recompute every plan with the configured plugins, whatever versions the log "
            "names, and tell what an upgrade would change.",
        ),
    ] = False,
    output: Annotated[
        ReplayOutput, typer.Option("--output", "-o", help="What to print.")
    ] = ReplayOutput.SUMMARY,
    log: LogOption = None,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Verify the log, recompute its state, and print the state's digest.

    The reducers and renderers are those that the log names, with the settings it records. It starts
    from the newest snapshot that fits; with --check, and against the installed plugins, from the
    first record.
    """
    from rynxs.embedded.points import find_point

    _refuse_contradictions(at, diff, output, json, check=check, upgrade=against_installed)
    chosen = configured(config, log)
    with closing(chosen.open_reader()) as sink:
        if diff is not None:
            first, second = (find_point("--diff", text, sink) for text in diff)
            _compare(chosen, sink, first, second, subject, json)
            return
        point = None if at is None else find_point("--at", at, sink)
        if against_installed:
            _gate(chosen, sink, point, json)
            return
        _show_moment(chosen, sink, point, subject, output, json, check)


def _refuse_contradictions(
    at: str | None,
    diff: tuple[str, str] | None,
    output: ReplayOutput,
    json: bool,
    *,
    check: bool,
    upgrade: bool,
) -> None:
    from rynxs.errors import UsageError

    if json and output is ReplayOutput.YAML:
        raise UsageError("--json and -o yaml both want standard output; choose one")
    given = {
        "--at": at is not None,
        "--diff": diff is not None,
        "--check": check,
        "--against-installed": upgrade,
        "-o yaml": output is ReplayOutput.YAML,
    }
    for one, others in (
        ("--diff", ("--at", "--check", "--against-installed", "-o yaml")),
        ("--against-installed", ("--check", "-o yaml")),
    ):
        for other in others:
            if given[one] and given[other]:
                raise UsageError(f"{one} and {other} don't go together; choose one")


def _show_moment(
    config: Config,
    sink: Sink,
    point: Point | None,
    subject: str | None,
    output: ReplayOutput,
    json: bool,
    check: bool,
) -> None:
    from rynxs.cli.console import emit
    from rynxs.cli.console import output as stdout
    from rynxs.cli.progress import track
    from rynxs.cli.replay_view import moment_document, show_moment, yaml_of
    from rynxs.embedded.replay import LogReplay

    size = sink.size()
    # Without a stop the reader also tells of an end that fails.
    replaying = LogReplay(sink, config, None if point is None else point.stop)
    batches = replaying.check() if check else replaying.fold()
    for _ in track(batches, size * (replaying.passes if check else 1), "replaying"):
        pass
    if point is not None:
        point.check(replaying.chain)
    subjects = _wanted(subject, replaying)
    if output is ReplayOutput.YAML:
        text = yaml_of(replaying, sink, subjects)
        with stdout():
            sys.stdout.write(text)
        return
    document = moment_document(replaying, subjects, check=check)
    emit(json, document, lambda console: show_moment(console, document))


def _wanted(subject: str | None, replaying: Any) -> list[str]:
    """Return the subjects to show: the live ones, or the one that was asked for."""
    from rynxs.errors import UsageError
    from rynxs.problems import nearest

    state = replaying.replay.state
    if subject is None:
        return list(state.live())
    known = {*state.newest, *state.plans}
    if subject not in known:
        raise UsageError(f"--subject {subject}: the log has none then{nearest(subject, known)}")
    return [subject]


def _compare(
    config: Config, sink: Sink, first: Point, second: Point, subject: str | None, json: bool
) -> None:
    from rynxs.cli.console import emit
    from rynxs.cli.progress import track
    from rynxs.cli.replay_view import diff_document, show_diff
    from rynxs.embedded.comparing import Comparison
    from rynxs.errors import UsageError

    if first.stop > second.stop:
        raise UsageError(f"--diff {first.text} {second.text}: the first moment is after the second")
    comparison = Comparison(sink, config, first, second)
    for _ in track(comparison.fold(), first.stop + second.stop, "replaying"):
        pass
    found = comparison.differences(None if subject is None else {subject})
    document = diff_document(first, second, found)
    emit(json, document, lambda console: show_diff(console, document, found))


def _gate(config: Config, sink: Sink, point: Point | None, json: bool) -> None:
    """Compare every plan with what the configured plugins make; exit 1 if one differs."""
    from rynxs.cli.console import emit
    from rynxs.cli.progress import track
    from rynxs.cli.replay_view import show_upgrade, upgrade_document
    from rynxs.embedded.replay import LogReplay
    from rynxs.engine.upgrade import Upgrade

    replaying = LogReplay(sink, config, None if point is None else point.stop)
    for _ in track(replaying.against_installed(), sink.size(), "replaying"):
        pass
    upgrade = replaying.replay
    assert isinstance(upgrade, Upgrade)
    if point is not None and not upgrade.is_full:
        point.check(replaying.chain)
    document = upgrade_document(upgrade, replaying.composition)
    emit(json, document, lambda console: show_upgrade(console, document))
    if upgrade.differences:
        raise typer.Exit(1)
