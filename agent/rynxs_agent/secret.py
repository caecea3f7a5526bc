"""A credential that no text bears by accident."""

from __future__ import annotations

import re
from typing import Final

from rynxs_agent.errors import ConfigurationError

_HIDDEN: Final = "***"
_SHORT: Final = 6
"""A shorter key is not looked for in texts, where it would blot out words."""
_HEADER_SAFE = re.compile(r"[\x21-\x7e]*")


class Secret:
    """A credential; its representations hide it."""

    def __init__(self, value: str) -> None:
        """Take a value, without the white space around it that files tend to end with.

        Raises:
            ConfigurationError: no HTTP header could bear it.
        """
        self._value = value.strip()
        if not _HEADER_SAFE.fullmatch(self._value):
            raise ConfigurationError("the provider's API key has characters that no header takes")

    def __repr__(self) -> str:
        return f"Secret({_HIDDEN})"

    __str__ = __repr__

    def __bool__(self) -> bool:
        """Tell whether there is one."""
        return bool(self._value)

    def reveal(self) -> str:
        """Return the credential itself."""
        return self._value

    def hidden_in(self, text: str) -> str:
        """Return a text with every occurrence of the credential replaced."""
        return text.replace(self._value, _HIDDEN) if len(self._value) >= _SHORT else text
