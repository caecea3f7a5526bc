"""The settings of this runtime itself, from ``RYNXS_RUNTIME_...`` in the environment."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from rynxs_agent.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping

_PREFIX: Final = "RYNXS_RUNTIME_"


class Settings(BaseModel):
    """Bounds of a run, and where the runtime is found; an image may set its own."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    task_port: int = Field(
        8080, ge=0, le=65_535, description="Where tasks are taken; 0 for any port that is free."
    )
    host: str = Field("", description="Address to listen on; empty for all.")
    steps: int = Field(50, ge=1, le=10_000, description="How often the model is asked in a run.")
    tokens: int = Field(
        1_000_000, ge=1, description="How many tokens a run may take, as the provider counts."
    )
    time_limit_s: float | None = Field(
        None,
        gt=0,
        description="How long a run may take; an hour for a task, a Job's for a session.",
    )
    answer_s: float = Field(300, gt=0, description="How long one answer of the model may take.")
    attempts: int = Field(
        5, ge=1, le=20, description="How often a request is made that meets 429, 5xx or nobody."
    )
    malformed: int = Field(
        3, ge=0, le=20, description="How many malformed answers in a row are put up with."
    )
    shell_s: float = Field(120, gt=0, description="How long one command may take, at most.")
    log_content: bool = Field(
        default=False, description="Log also what tasks, models and tools say."
    )
    termination_log: str = Field(
        "/dev/termination-log", description="The container's terminationMessagePath."
    )


def termination_log(environment: Mapping[str, str]) -> str:
    """Return where the termination message goes, also if another setting is not acceptable."""
    return environment.get(f"{_PREFIX}TERMINATION_LOG") or Settings().termination_log


def read_settings(environment: Mapping[str, str]) -> Settings:
    """Return the settings in an environment.

    Raises:
        ConfigurationError: one is unknown or out of bounds.
    """
    stated = {
        name.removeprefix(_PREFIX).lower(): value
        for name, value in environment.items()
        if name.startswith(_PREFIX)
    }
    try:
        return Settings.model_validate(stated)
    except ValidationError as error:
        problem = error.errors(include_url=False, include_input=False)[0]
        variable = _PREFIX + "".join(map(str, problem["loc"])).upper()
        raise ConfigurationError(f"{variable}: {problem['msg']}") from None
