"""Texts that are not ours, such that nothing in them acts unseen where they are shown."""

from __future__ import annotations


def escaped(text: str, kept: str = "") -> str:
    """Return text in which every character that is not printable is an escape.

    Those are control characters, line and paragraph separators, marks that turn the direction of
    writing, and lone surrogates (Unicode's categories C and Z, but for the space).

    Args:
        text: the text.
        kept: characters that stay as they are, such as a line feed.
    """
    if text.isprintable():
        return text
    return "".join(
        character
        if character.isprintable() or character in kept
        else character.encode("unicode_escape").decode()
        for character in text
    )
