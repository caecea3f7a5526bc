"""What the chart renders: `python -m tests.golden.chart` writes it down, a test compares it.

For the defaults and for each example of values there is one file. Of programs and dashboards there
is the digest, and of a certificate, which is another each time, its place.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any, Final

import yaml

from tests.cluster.helm import EXAMPLES, template

GOLDEN: Final = Path(__file__).parent / "releases"
CASES: Final[dict[str, tuple[Path, ...]]] = {
    "defaults": (),
    **{file.stem: (file,) for file in EXAMPLES},
}
_LONG: Final = 1000
_MADE: Final = {"ca.crt", "tls.crt", "tls.key", "caBundle"}


def rendered(case: str) -> str:
    """Return the content of a case's golden file."""
    manifests = [_without_bulk(each) for each in template(*CASES[case])]
    return yaml.safe_dump_all(manifests, width=120)


def _without_bulk(value: Any, name: str = "") -> Any:
    if isinstance(value, dict):
        return {key: _without_bulk(member, key) for key, member in value.items()}
    if isinstance(value, list):
        return [_without_bulk(member) for member in value]
    if name in _MADE:
        return "(made anew each time)"
    if isinstance(value, str) and len(value) > _LONG:
        return f"sha256:{hashlib.sha256(value.encode()).hexdigest()}"
    return value


def main() -> None:
    """Write all golden files."""
    GOLDEN.mkdir(exist_ok=True)
    for case in CASES:
        (GOLDEN / f"{case}.yaml").write_text(rendered(case))


if __name__ == "__main__":
    main()
