"""Inputs made of others by small changes, for where nothing tells what an input has reached."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import strategies as st

if TYPE_CHECKING:
    from collections.abc import Sequence

_CHANGES_MAX = 4
_PIECE_MAX = 16
_NUMBERS = [
    number.to_bytes(size, "big")
    for size in (1, 2, 4, 8)
    for number in (0, 1, 2 ** (8 * size - 1) - 1, 2 ** (8 * size - 1), 2 ** (8 * size) - 1)
]


@st.composite
def mutated(draw: st.DrawFn, starts: Sequence[bytes], words: Sequence[bytes] = ()) -> bytes:
    """Return one of some inputs after one to four changes."""
    pieces = st.binary(max_size=_PIECE_MAX) | st.sampled_from(_NUMBERS)
    if words:
        pieces |= st.sampled_from(words)
    data = draw(st.sampled_from(starts))
    for _ in range(draw(st.integers(1, _CHANGES_MAX))):
        place = draw(st.integers(0, len(data)))
        before, after = data[:place], data[place:]
        kind = draw(st.sampled_from(["cut", "insert", "overwrite", "repeat", "splice"]))
        if kind == "cut":
            data = before + after[draw(st.integers(0, _PIECE_MAX)) :]
        elif kind == "insert":
            data = before + draw(pieces) + after
        elif kind == "overwrite":
            piece = draw(pieces)
            data = before + piece + after[len(piece) :]
        elif kind == "repeat":
            data = before + after[:_PIECE_MAX] * draw(st.integers(2, 8)) + after[_PIECE_MAX:]
        else:
            other = draw(st.sampled_from(starts))
            data = before + other[draw(st.integers(0, len(other))) :]
    return data
