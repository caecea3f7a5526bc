"""Random changes of texts, for comparing what two verifiers make of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from random import Random

_INSERTED = b"\n\r =+A0\x80"


def changed(data: bytes, chance: Random) -> bytes:
    """Return a text with a bit, a byte or a line changed, put in or taken away."""
    made, lines = bytearray(data), data.splitlines(keepends=True)
    place, row = chance.randrange(len(made)), chance.randrange(len(lines))
    match chance.randrange(6):
        case 0:
            made[place] ^= 1 << chance.randrange(8)
        case 1:
            del made[place]
        case 2:
            made.insert(place, chance.choice(_INSERTED))
        case 3:
            del lines[row]
            return b"".join(lines)
        case 4:
            lines.insert(row, chance.choice(lines))
            return b"".join(lines)
        case _:
            lines[row] = chance.choice(lines)
            return b"".join(lines)
    return bytes(made)
