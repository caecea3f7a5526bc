"""The programs that the chart brings along, run as the rendered pods would run them."""

from __future__ import annotations

import base64
import hashlib
import os
import shutil
import subprocess
import sys
import sysconfig
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4
from zipfile import ZipFile

import pytest

from tests.cluster.helm import CHART, pod_templates, template

if TYPE_CHECKING:
    from collections.abc import Iterator

INSTALL = CHART / "files/install_plugins.py"


def wheel(directory: Path, name: str, version: str, files: dict[str, str], needed: str = "") -> str:
    """Make a wheel, which may need another, and return the line that requires it with its hash."""
    needs = f"Requires-Dist: {needed}\n" if needed else ""
    module = name.replace("-", "_")
    info = f"{module}-{version}.dist-info"
    held = {
        **files,
        f"{info}/METADATA": (f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{needs}"),
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    lines = [f"{path},{_digest(text)},{len(text)}" for path, text in held.items()]
    held[f"{info}/RECORD"] = "\n".join([*lines, f"{info}/RECORD,,"]) + "\n"
    file = directory / f"{module}-{version}-py3-none-any.whl"
    with ZipFile(file, "w") as archive:
        for path, text in held.items():
            archive.writestr(path, text)
    return f"{name}=={version} --hash=sha256:{hashlib.sha256(file.read_bytes()).hexdigest()}"


def _digest(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return "sha256=" + base64.urlsafe_b64encode(digest).decode().rstrip("=")


def install(directory: Path, *requirements: str) -> subprocess.CompletedProcess[str]:
    """Install from the wheels in a directory into its `plugins`, as the init container does."""
    (directory / "requirements.txt").write_text("\n".join(requirements))
    rendered = template(CHART / "ci/plugin-values.yaml")
    ((_, pod),) = [each for each in pod_templates(rendered) if each[0] == "Deployment"]
    (container,) = pod["spec"]["initContainers"]
    places = {
        "/etc/rynxs/install/requirements.txt": str(directory / "requirements.txt"),
        "/plugins": str(directory / "plugins"),
        "--find-links=/wheels": f"--find-links={directory}",
    }
    arguments = [places.get(each, each) for each in container["args"]]
    return subprocess.run(
        [sys.executable, "-I", INSTALL, *arguments],
        env={"PATH": os.defpath, "HOME": str(directory)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_plugin_is_installed_and_found_last_on_the_path(tmp_path: Path) -> None:
    required = wheel(tmp_path, "acme-sink", "3.2.1", {"acme_sink.py": "HERE = True\n"})
    done = install(tmp_path, required)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "installed acme-sink 3.2.1\n" in done.stdout
    asked = f"import sys; sys.path.append({str(tmp_path / 'plugins')!r}); import acme_sink"
    subprocess.run([sys.executable, "-c", asked], check=True)


def test_it_is_installed_again_when_the_container_starts_again(tmp_path: Path) -> None:
    required = wheel(tmp_path, "acme-sink", "3.2.1", {"acme_sink.py": "HERE = True\n"})
    for _ in range(2):
        done = install(tmp_path, required)
        assert done.returncode == 0, done.stdout + done.stderr


def test_another_hash_is_refused(tmp_path: Path) -> None:
    required = wheel(tmp_path, "acme-sink", "3.2.1", {"acme_sink.py": "HERE = True\n"})
    done = install(tmp_path, required[:-4] + "0000")
    assert done.returncode != 0
    assert "DO NOT MATCH THE HASHES" in done.stderr


def test_no_hash_is_refused(tmp_path: Path) -> None:
    required = wheel(tmp_path, "acme-sink", "3.2.1", {"acme_sink.py": "HERE = True\n"})
    done = install(tmp_path, required.partition(" ")[0])
    assert done.returncode != 0
    assert done.stderr.startswith("requirement 1 is refused: 'acme-sink==3.2.1'; expected is ")


def test_what_a_plugin_needs_is_not_installed_beside(tmp_path: Path) -> None:
    wheel(tmp_path, "acme-more", "1.0", {"acme_more.py": ""})
    required = wheel(tmp_path, "acme-sink", "3.2.1", {"acme_sink.py": ""}, "acme-more")
    done = install(tmp_path, required)
    assert done.returncode == 0, done.stderr
    assert not (tmp_path / "plugins/acme_more.py").exists()


def test_a_package_that_the_image_has_is_refused(tmp_path: Path) -> None:
    done = install(tmp_path, wheel(tmp_path, "Structlog", "99.0", {"acme_logs.py": ""}))
    assert done.returncode != 0
    why = "Structlog 99.0: the image has a Structlog already, so it is refused\n"
    assert done.stderr.endswith(why)
    assert list((tmp_path / "plugins").iterdir()) == []


@pytest.mark.parametrize(
    ("file", "why"),
    [
        ("rynxs/api.py", "rynxs: the image has a module rynxs"),
        ("json.py", "json.py: the image has a module json"),
        ("acme_sink-3.2.1.data/data/yaml/__init__.py", "yaml: the image has a module yaml"),
        ("sitecustomize.py", "sitecustomize.py: Python would run it at each start"),
        ("usercustomize/__init__.py", "usercustomize: Python would run it at each start"),
        ("SPACE/__init__.py", "SPACE: the image has a module SPACE"),
    ],
)
def test_what_shadows_a_module_of_the_image_or_runs_by_itself_is_refused(
    tmp_path: Path, file: str, why: str, space: str
) -> None:
    files = {file.replace("SPACE", space): ""}
    done = install(tmp_path, wheel(tmp_path, "acme-sink", "3.2.1", files))
    assert done.returncode != 0
    assert done.stderr.endswith(f"{why.replace('SPACE', space)}, so it is refused\n")
    assert list((tmp_path / "plugins").iterdir()) == []


def test_a_namespace_package_may_be_shared(tmp_path: Path, space: str) -> None:
    done = install(tmp_path, wheel(tmp_path, "acme-sink", "3.2.1", {f"{space}/sink.py": ""}))
    assert done.returncode == 0, done.stderr


@pytest.fixture
def space() -> Iterator[str]:
    """A namespace package that the image has, here this Python."""
    place = Path(sysconfig.get_path("purelib")) / f"acme_{uuid4().hex}"
    place.mkdir()
    (place / "own.py").touch()
    yield place.name
    shutil.rmtree(place)


@pytest.mark.parametrize(
    "line",
    [
        "--no-binary :all:",
        "--index-url https://example.org",
        "-r more.txt",
        "-e ./acme",
        "./acme.tar.gz --hash=sha256:" + "0" * 64,
        "acme @ https://example.org/acme.whl --hash=sha256:" + "0" * 64,
        "acme>=1 --hash=sha256:" + "0" * 64,
        "acme==1 --hash=sha256:" + "0" * 64 + " --no-binary=:all:",
    ],
)
def test_requirements_have_no_options_and_name_versions_with_hashes(
    tmp_path: Path, line: str
) -> None:
    done = install(tmp_path, "# a comment", line)
    assert done.returncode != 0
    assert done.stderr.startswith("requirement 2 is refused: ")


@contextmanager
def replica(*answers: int) -> Iterator[int]:
    """Serve /readyz, with a status for each time it is asked, the last one from then on."""
    left = list(answers)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status = left.pop(0) if len(left) > 1 else left[0]
            self.send_response(status if self.path == "/readyz" else 404)
            self.end_headers()
            self.wfile.write(f"[{'+' if status == 200 else '-'}] log: so it is\n".encode())

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        serving = threading.Thread(target=server.serve_forever)
        serving.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            serving.join()


def check_release(port: int, replicas: int, limit_s: float) -> subprocess.CompletedProcess[str]:
    """Run what the pod of `helm test` runs, with less patience."""
    ((_, pod),) = [each for each in pod_templates(template()) if each[0] == "Pod"]
    program, *_ = pod["spec"]["containers"][0]["args"]
    hasty = program.replace("LIMIT_S = 120.0", f"LIMIT_S = {limit_s}").replace(
        "PAUSE_S = 2.0", "PAUSE_S = 0.01"
    )
    return subprocess.run(
        [sys.executable, "-P", "-c", hasty, "127.0.0.1", str(port), str(replicas)],
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_release_passes_its_test_once_its_replica_is_ready() -> None:
    with replica(503, 503, 200) as port:
        done = check_release(port, 1, 60.0)
    assert done.returncode == 0, done.stderr
    assert "[+] log: so it is" in done.stdout


def test_a_release_whose_replica_is_not_ready_fails_its_test_and_says_why() -> None:
    with replica(503) as port:
        done = check_release(port, 1, 0.1)
    assert done.returncode != 0
    assert "[-] log: so it is" in done.stdout


def test_a_release_with_a_replica_missing_fails_its_test() -> None:
    with replica(200) as port:
        done = check_release(port, 2, 0.1)
    assert done.returncode != 0
    assert "1 of 2 replicas are ready" in done.stderr
