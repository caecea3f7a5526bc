"""Whether a regular expression means the same to the API server, whose syntax is RE2's."""

from __future__ import annotations

import re

_REPEAT_MAX = 1000  # copies of the innermost, nested repetitions multiplied (Go's regexp/syntax)
_ESCAPE = re.compile(r"\\(x[0-9A-Fa-f]{2}|x\{[0-9A-Fa-f]+\}|[pP](\{\^?\w+\}|\w)|.)", re.DOTALL)
_ESCAPES = frozenset("0aftnrvdDsSwWxpP")
_ESCAPED_POSITIONS = frozenset("bBAz")
_GROUP = re.compile(r"\((\?(:|P<\w+>|[imsU]*(-[imsU]+)?[:)]))?")
_COUNT = re.compile(r"\{([0-9]+)(,([0-9]*))?\}")
_NOTHING = "repeats nothing"
_TWICE = "repeats, or makes possessive, what is repeated"
_POSIX_CLASS = re.compile(r"\[:\^?[a-z]+:\]")


def check_re2(pattern: str) -> None:
    """Refuse a regular expression that RE2 lacks the means for, or reads otherwise.

    The syntax is that of https://github.com/google/re2/wiki/Syntax, as far as Python's ``re`` and
    Rust's ``regex`` mean the same by it. One of these has compiled it already, for the model.

    Raises:
        ValueError: it holds such a construct; the text names it.
    """
    _Scan(pattern).run()


class _Scan:
    """Goes through a pattern once; counts how often repetitions multiply what is in a group."""

    def __init__(self, pattern: str) -> None:
        self._pattern = pattern
        self._at = 0
        self._copies = [1]  # of each open group: the most copies of anything in it so far
        self._last = 1  # the same of the last atom
        self._fault: str | None = _NOTHING  # why no repetition may come now, None if one may

    def run(self) -> None:
        while self._at < len(self._pattern):
            character = self._pattern[self._at]
            if character in "*+?{":
                self._repetition(character)
                continue
            self._fault = None
            if character == "\\":
                self._escape(_ESCAPES | _ESCAPED_POSITIONS)
            elif character == "[":
                self._character_class()
            elif character == "(":
                self._group()
            else:
                self._at += 1
                self._last = self._copies.pop() if self._closes(character) else 1
                self._fault = _NOTHING if character == "|" else None
            self._copies[-1] = max(self._copies[-1], self._last)
        if len(self._copies) > 1:
            raise ValueError("a group is not closed")

    def _closes(self, character: str) -> bool:
        if character == ")" and len(self._copies) == 1:
            raise ValueError("a group is closed that is not open")
        return character == ")"

    def _group(self) -> None:
        opened = _GROUP.match(self._pattern, self._at)
        assert opened is not None, "it begins with a parenthesis"
        if opened[0] == "(" and self._pattern.startswith("(?", self._at):
            shown = self._pattern[self._at : self._at + 4]
            raise ValueError(
                f"{shown!r} begins what RE2 lacks; there are (...), (?:...), (?P<name>...) and "
                "flags, and neither lookaround nor conditions, comments and atomic groups"
            )
        self._at = opened.end()
        self._last = 1
        self._fault = _NOTHING
        if opened[0][-1] != ")" or opened[0] == "(":  # else it sets flags only
            self._copies.append(1)

    def _escape(self, allowed: frozenset[str]) -> None:
        found = _ESCAPE.match(self._pattern, self._at)
        if found is None:
            raise ValueError("it ends in a backslash")
        letter = found[1][0]
        if letter.isdecimal() and letter != "0":
            raise ValueError(f"\\{letter} refers back to a group, which RE2 can't")
        if letter.isalnum() and letter not in allowed:
            raise ValueError(f"\\{letter} is no escape that RE2 knows here")
        self._at = found.end()
        self._last = 1

    def _character_class(self) -> None:
        self._at += 2 if self._pattern.startswith("[^", self._at) else 1
        first = True
        while not self._pattern.startswith("]", self._at) or first:
            first = False
            if self._at >= len(self._pattern):
                raise ValueError("a character class is not closed")
            posix = _POSIX_CLASS.match(self._pattern, self._at)
            if posix:
                self._at = posix.end()
            elif self._pattern[self._at] == "\\":
                self._escape(_ESCAPES)
            elif self._pattern[self._at] == "[" or self._pattern[self._at :][:2] in {"&&", "~~"}:
                shown = self._pattern[self._at]
                raise ValueError(f"{shown!r} is not itself in every character class; escape it")
            else:
                self._at += 1
        self._at += 1
        self._last = 1

    def _repetition(self, character: str) -> None:
        counted = _COUNT.match(self._pattern, self._at) if character == "{" else None
        if character == "{" and counted is None:
            raise ValueError("'{' begins no count such as {2}, {2,} or {0,2}; escape it")
        if self._fault is not None:
            raise ValueError(f"{character!r} {self._fault}")
        self._fault = _TWICE
        if counted is not None:
            self._count(counted)
        self._at = counted.end() if counted else self._at + 1
        if self._pattern.startswith("?", self._at):  # as few as will do
            self._at += 1

    def _count(self, counted: re.Match[str]) -> None:
        times = max(int(counted[1]), int(counted[3] or 0))
        self._last *= max(times, 1)
        if self._last > _REPEAT_MAX:
            raise ValueError(
                f"{counted[0]} asks for {self._last} copies, those of nested repetitions "
                f"multiplied; RE2 allows {_REPEAT_MAX}"
            )
        self._copies[-1] = max(self._copies[-1], self._last)
