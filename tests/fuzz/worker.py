"""``python -m tests.fuzz.worker TARGET SECONDS CORPUS FINDINGS``: fuzz one target in this process.

With atheris (https://github.com/google/atheris) what an input reaches in rynxs and its plugins
decides which ones are changed further. Without it, inputs come from hypothesis alone. It ends at
the first input that breaks the promise, writes it to FINDINGS, and exits with another status than
0; so do those that take too long or too much memory.
"""

from __future__ import annotations

import resource
import signal
import sys
import tempfile
from contextlib import nullcontext
from hashlib import sha256
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from tests.fuzz.target import Target

MEMORY_BYTES: Final = 3 << 30
RESIDENT_MB: Final = 1_024
INPUT_S: Final = 10
_PACKAGES: Final = (
    "rynxs",
    "rynxs_reducer_agent",
    "rynxs_reducer_session",
    "rynxs_reducer_universe",
    "rynxs_renderer_sandbox",
    "rynxs_renderer_workload",
    "rynxs_signer_ed25519",
    "rynxs_signer_mldsa44",
    "rynxs_sink_file",
    "rynxs_sink_s3",
)
_EXAMPLES_AT_ONCE = 200


def has_atheris() -> bool:
    """Tell whether atheris is installed."""
    return find_spec("atheris") is not None


def main(arguments: list[str]) -> None:
    """Fuzz; does not return with atheris."""
    name, seconds, corpus, findings = arguments
    # A decoder that asks for more gets a MemoryError, and is found with the line that asked.
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    atheris: Any = import_module("atheris") if has_atheris() else None
    # Modules that are imported later, where they are used, are instrumented as well.
    with atheris.instrument_imports(include=_PACKAGES) if atheris else nullcontext():
        target: Target = import_module("tests.fuzz.targets").target_of(name)
        if atheris:
            _guided(atheris, target, int(seconds), Path(corpus), Path(findings))
        else:
            _unguided(target, int(seconds), Path(findings))


def _guided(atheris: Any, target: Target, seconds: int, corpus: Path, findings: Path) -> None:
    with tempfile.TemporaryDirectory() as temporary:
        starts, words = Path(temporary, "starts"), Path(temporary, "words")
        starts.mkdir()
        for data in target.starts():
            (starts / sha256(data).hexdigest()).write_bytes(data)
        words.write_text("".join(f'"{_escaped(word)}"\n' for word in target.words()))
        options = [
            f"-max_total_time={seconds}" if seconds else "-runs=0",
            f"-timeout={INPUT_S}",
            f"-rss_limit_mb={RESIDENT_MB}",
            f"-artifact_prefix={findings}/",
            *([f"-dict={words}"] if words.stat().st_size else []),
            "-print_final_stats=1",
        ]
        atheris.Setup([sys.argv[0], *options, str(corpus), str(starts)], target.run)
        atheris.Fuzz()


def _escaped(word: bytes) -> str:
    """Return a word as libFuzzer's dictionaries have it."""
    return "".join(f"\\x{byte:02x}" for byte in word)


def _unguided(target: Target, seconds: int, findings: Path) -> None:
    from hypothesis import HealthCheck, Phase, given, seed, settings

    from tests.fuzz.mutated import mutated

    count = 0
    least = b""
    inputs = mutated(target.starts(), list(target.words()))
    signal.signal(signal.SIGALRM, _too_long)

    def run(data: bytes) -> None:
        nonlocal count, least
        count += 1
        signal.alarm(INPUT_S)
        try:
            target.run(data)
        except BaseException:
            least = data
            raise
        finally:
            signal.alarm(0)

    ends_at = monotonic() + seconds
    try:
        for start in target.starts():
            run(start)
        while monotonic() < ends_at:
            once = settings(
                max_examples=_EXAMPLES_AT_ONCE,
                database=None,
                deadline=None,
                phases=[Phase.generate, Phase.shrink],
                suppress_health_check=list(HealthCheck),  # a slow target is no finding
            )
            once(seed(count)(given(inputs)(run)))()
    except BaseException:
        written = findings / f"crash-{sha256(least).hexdigest()}"
        written.write_bytes(least)
        sys.stdout.write(f"Test unit written to {written}\n")
        raise
    finally:
        sys.stdout.write(f"stat::number_of_executed_units: {count}\n")


def _too_long(*_: object) -> None:
    raise TimeoutError(f"an input took {INPUT_S} seconds")


if __name__ == "__main__":
    main(sys.argv[1:])
