"""The installed plugins that a reducer or renderer is nothing without."""

from __future__ import annotations

from contextlib import redirect_stdout
from io import StringIO
from typing import TYPE_CHECKING

from rynxs.engine.state import Slices
from rynxs.engine.subject import parse_subject
from rynxs.errors import PluginError
from rynxs.testing.pure.samples import observation

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from rynxs.embedded.manifests import Found
    from rynxs.testing.check.making import Made, Making


def revised(renderer: Made, making: Making) -> list[Made]:
    """Return the renderers whose manifests a renderer revises, and those that they revise.

    Raises:
        PluginError: one is not installed, or does not load.
        ConfigError: its settings are not those of the configuration.
    """
    found = {renderer.plugin.name: renderer}
    waiting = [renderer]
    for reviser in waiting:  # which grows
        for name in _revises(reviser):
            if name not in found:
                found[name] = _partner(reviser, name, making)
                waiting.append(found[name])
    return list(found.values())[1:]


def _revises(renderer: Made) -> list[str]:
    try:
        return sorted(renderer.component.plugin.revises.difference({renderer.plugin.name}))
    except Exception as error:  # its author may have put down anything
        raise PluginError(f"{renderer.plugin} failed: {type(error).__name__}: {error}") from error


def _partner(reviser: Made, name: str, making: Making) -> Made:
    try:
        making.manager.renderer(name)
    except PluginError as error:
        raise PluginError(f"{reviser.plugin} revises what '{name}' renders: {error}") from error
    installed = making.manager.installed("renderer")
    return making.made(next(plugin for plugin in installed if plugin.name == name))


def needed_kinds(reducer: Made, samples: Sequence[Found]) -> dict[str, str]:
    """Return the kinds of other reducers that a reducer has to do with.

    Returns:
        By ``group/Kind``, what it does to them: ``governs`` or ``reads``.
    """
    reads = dict.fromkeys(_read_kinds(reducer, samples), "reads")
    kinds = {**reads, **dict.fromkeys(reducer.governs(), "governs")}
    return {kind: kinds[kind] for kind in sorted(kinds.keys() - reducer.owns())}


def _read_kinds(reducer: Made, samples: Sequence[Found]) -> Iterator[str]:
    """Yield the kinds of the subjects that a reducer reads for the samples."""
    plugin = reducer.component.plugin
    for found in samples:
        event = observation(found.resource, found.manifest)
        with redirect_stdout(StringIO()):  # what a plugin prints is nobody's affair
            try:
                current = plugin.reduce(None, event, Slices())
                subjects = [] if current is None else list(plugin.reads(event.subject, current))
                kinds = [parse_subject(subject).group_kind for subject in subjects]
            except Exception:  # that it raises is what the kit will tell
                continue
        yield from kinds


def neighbours(
    reducer: Made, kinds: Mapping[str, str], at_hand: Sequence[Made], absent: Sequence[str]
) -> list[Made]:
    """Return the reducers that own the kinds which a reducer governs or reads.

    Args:
        reducer: whose kinds they are.
        kinds: what it does to them.
        at_hand: the reducers to choose from.
        absent: why others are not at hand.

    Raises:
        PluginError: nobody at hand owns one of the kinds.
    """
    owners = {kind: other for other in at_hand for kind in other.owns()}
    missing = [f"{does} {kind}" for kind, does in kinds.items() if kind not in owners]
    if missing:
        owned = ", ".join(sorted(owners.keys() - reducer.owns())) or "none"
        sentence = (
            f"{reducer.plugin} {' and '.join(missing)}, which no other installed reducer owns; "
            f"install the one that does (others own: {owned})"
        )
        raise PluginError("\n".join([sentence, *absent]))
    return [other for other in at_hand if other.owns() & kinds.keys()]
