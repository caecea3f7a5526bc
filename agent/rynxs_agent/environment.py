"""What rynxs tells a pod in its environment."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from rynxs_agent.errors import ConfigurationError
from rynxs_agent.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Mapping, MutableMapping

_API_KEY: Final = "RYNXS_PROVIDER_API_KEY"
_INPUT_SIZE_MAX = 1024 * 1024
"""A ConfigMap is not larger."""


class SessionPlace(NamedTuple):
    """A session that the pod is to run.

    Attributes:
        name: of the Session.
        input: the file that it is asked to work on.
    """

    name: str
    input: Path

    def read_input(self) -> str:
        """Return what the session is asked to do.

        Raises:
            ConfigurationError: it can't be read, or is no text, or is empty.
        """
        try:
            with self.input.open("rb") as file:
                document = file.read(_INPUT_SIZE_MAX + 1)
            text = document.decode()
        except OSError as error:
            raise ConfigurationError(f"the input can't be read: {error.strerror}") from None
        except UnicodeDecodeError:
            raise ConfigurationError("the input is not UTF-8 text") from None
        if len(document) > _INPUT_SIZE_MAX:
            raise ConfigurationError("the input is larger than 1 MiB")
        if not text.strip():
            raise ConfigurationError("the input is empty")
        return text


class Environment(NamedTuple):
    """What the renderer has put into a pod.

    Attributes:
        spec: the file of the agent's spec.
        workspace: the directory that it works in.
        api_key: of its provider; false if there is none.
        session: to run; None for an agent that waits for tasks.
    """

    spec: Path
    workspace: Path
    api_key: Secret
    session: SessionPlace | None


def take_environment(variables: MutableMapping[str, str]) -> Environment:
    """Return what a pod is told, and take the API key out of its variables.

    Raises:
        ConfigurationError: something is missing that rynxs renders.
    """
    key = Secret(variables.pop(_API_KEY, ""))
    session = None
    if "RYNXS_SESSION" in variables:
        place = Path(_stated(variables, "RYNXS_SESSION_INPUT"))
        session = SessionPlace(_stated(variables, "RYNXS_SESSION"), place)
    return Environment(
        spec=Path(_stated(variables, "RYNXS_AGENT_SPEC")),
        workspace=Path(_stated(variables, "RYNXS_WORKSPACE")),
        api_key=key,
        session=session,
    )


def _stated(variables: Mapping[str, str], name: str) -> str:
    value = variables.get(name)
    if not value:
        raise ConfigurationError(f"{name} is not set; rynxs sets it in the pods that it renders")
    return value
