from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    Install = Callable[..., None]


@pytest.fixture
def install(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Leave a distribution as pip would, in a directory on the path, here and in processes."""
    site = tmp_path_factory.mktemp("site")
    monkeypatch.syspath_prepend(str(site))
    monkeypatch.setenv("PYTHONPATH", str(site))

    def make(entry_point: str, code: str, value: str = "") -> None:
        module = "acme_" + entry_point.replace(".", "_")
        (site / f"{module}.py").write_text(code)
        info = site / f"{module}-1.2.3.dist-info"
        info.mkdir()
        name = module.replace("_", "-")
        (info / "METADATA").write_text(f"Name: {name}\nVersion: 1.2.3\n")
        (info / "entry_points.txt").write_text(f"[rynxs]\n{entry_point} = {value or module}\n")
        monkeypatch.delitem(sys.modules, module, raising=False)

    return make
