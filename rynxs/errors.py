"""The one error hierarchy.

Every error that a user can cause derives from `RynxsError` and carries the exit status of the
command line: 1 the log does not verify or differs, 2 usage, 3 the sink is unavailable, 74 the
output can't be written.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Sequence


class RynxsError(Exception):
    """Base of all errors raised on purpose; its text is a sentence for the user."""

    exit_code: ClassVar[int] = 2


class UsageError(RynxsError):
    """What the caller gave is not acceptable; nothing was written."""


class ConfigError(UsageError):
    """The configuration names something unknown, or holds a value that is not allowed."""


class PluginError(UsageError):
    """A plugin is not installed, does not import, does not fit its hook, or failed at its work."""


class ManifestError(UsageError):
    """A manifest can't be read or is not valid; the text says where, what and what is allowed."""


class KeyFileError(UsageError):
    """A key file is missing, unreadable, too open, or not a key."""


class ValueRefused(UsageError):
    """A payload value that the record format does not allow.

    Attributes:
        path: JSON path of the culprit, such as ``$.spec.ports[3]``.
        reason: what was found and what is allowed.
    """

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path
        self.reason = reason


class OutputError(RynxsError):
    """The result of a command can't be written where it was to go; what it did is done."""

    exit_code = 74


class VerificationError(RynxsError):
    """Something that was recorded or signed does not hold."""

    exit_code = 1


class LogCorrupt(VerificationError):
    """A record is not what the format, the hash chain or its payload hash demands.

    Attributes:
        seq: sequence number of the first record that fails.
        detail: what was expected and what was found.
    """

    def __init__(self, seq: int, detail: str) -> None:
        super().__init__(f"record {seq}: {detail}")
        self.seq = seq
        self.detail = detail


class HistoryDiffers(VerificationError):
    """The destination of a copy holds records that are not the source's; nothing was written.

    Attributes:
        seq: sequence number of the first record that differs.
    """

    def __init__(self, seq: int, detail: str) -> None:
        super().__init__(f"record {seq}: {detail}; that is another history, nothing was copied")
        self.seq = seq


class CheckpointRefused(VerificationError):
    """A checkpoint or signed note is malformed, unsigned by a known key, or not of this log."""


class ProofRefused(VerificationError):
    """A proof is malformed, or does not show what it is said to show."""


class NondeterminismError(VerificationError):
    """A recomputed plan differs from the recorded one.

    Attributes:
        seq: sequence number of the ``Planned`` record.
        subject: the subject whose plan differs.
        recorded, recomputed: SHA-256 digests, lower-case hex, of the plan's manifests.
        fields: the fields that differ, as ``<manifest id>: <path>: <recorded> -> <recomputed>``.
    """

    def __init__(
        self, seq: int, subject: str, recorded: str, recomputed: str, fields: Sequence[str]
    ) -> None:
        changed = "; ".join(fields)
        super().__init__(
            f"record {seq}: the plan of {subject} recomputes to {recomputed}, "
            f"but {recorded} was recorded ({changed})"
        )
        self.seq = seq
        self.subject = subject
        self.recorded = recorded
        self.recomputed = recomputed
        self.fields = tuple(fields)


class SinkError(RynxsError):
    """A sink could not do what was asked; always one of the three below."""

    exit_code = 3


class SinkConflict(SinkError):
    """Someone else owns the next position or the object's version: stop, you are fenced."""


class SinkUnavailable(SinkError):
    """The storage can't be used now; nothing is lost, the same bytes may be sent again."""


class SinkCorrupt(LogCorrupt, SinkError):
    """The storage holds something that was not written there; never repaired silently."""

    exit_code = 1


class SinkUnfinished(SinkCorrupt):
    """After the last record comes what was never acknowledged; the next writer sets it aside.

    Raised to readers only, past the last record: whoever was writing it has died.
    """
