"""kubectl, as the administrator of a test's cluster would use it."""

from __future__ import annotations

import json
import os
import subprocess
import time
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from tests.servers.process import TOOLS, require

if TYPE_CHECKING:
    from pathlib import Path

LIMIT_S = 60
WAIT_S = 45  # kubectl then says what it has waited for


class Answer(NamedTuple):
    """What kubectl printed, and its exit status."""

    status: int
    out: str
    err: str

    @property
    def warnings(self) -> list[str]:
        """The warnings of the API server, without the word that announces each."""
        mark = "Warning: "
        return [line.removeprefix(mark) for line in self.err.splitlines() if line.startswith(mark)]

    def json(self) -> Any:
        """Parse what was printed, with `-o json`."""
        return json.loads(self.out)


class Kubectl:
    """Runs the kubectl that was built, against one cluster, and without the user's settings."""

    program: ClassVar[Path] = TOOLS / "kubectl"
    """The executable file."""

    def __init__(self, kubeconfig: Path) -> None:
        """Take a kubeconfig, beside which kubectl keeps its caches.

        Raises:
            ServerFailed: The program is missing.
        """
        require(self.program)
        self.kubeconfig = kubeconfig

    def run(self, *arguments: object, text: str = "", limit_s: float = LIMIT_S) -> Answer:
        """Run a command with a text as its standard input, whatever its exit status will be.

        Raises:
            TimeoutExpired: That long passed, by default a minute.
        """
        done = subprocess.run(
            [self.program, *map(str, arguments)],
            env={
                "PATH": os.defpath,
                "HOME": str(self.kubeconfig.parent),
                "KUBECONFIG": str(self.kubeconfig),
            },
            input=text,
            capture_output=True,
            encoding="utf-8",
            timeout=limit_s,
            check=False,
        )
        return Answer(done.returncode, done.stdout, done.stderr)

    def wait(self, condition: str, *what: object) -> Answer:
        """Wait for a condition of objects, for three quarters of a minute.

        Args:
            condition: As `kubectl wait --for` takes it: `condition=Ready`, `create`, `delete`.
            what: The objects, and options such as their namespace.
        """
        return self.run("wait", f"--for={condition}", f"--timeout={WAIT_S}s", *what)

    def wait_for_right(self, verb: str, resource: str, *options: object) -> None:
        """Wait until RBAC allows this user something; the API server learns of a new role late.

        Args:
            verb: As in `patch`.
            resource: As in `configmaps`.
            options: Such as the namespace.

        Raises:
            TimeoutError: Three quarters of a minute passed.
        """
        deadline = time.monotonic() + WAIT_S
        while self.run("auth", "can-i", verb, resource, *options).status != 0:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{self.kubeconfig} may not {verb} {resource} after {WAIT_S} s")

    def apply(
        self, *manifests: dict[str, Any], server_side: bool = True, dry_run: bool = False
    ) -> Answer:
        """Apply manifests; a field that the API server does not know is refused.

        Args:
            manifests: Objects, all sent in one command, in this order.
            server_side: As the operator does; otherwise as a user does who gives no options.
            dry_run: Let the API server judge them, and keep nothing.
        """
        text = "\n".join(json.dumps(manifest) for manifest in manifests)
        return self.apply_text(text, server_side=server_side, dry_run=dry_run)

    def apply_text(self, text: str, *, server_side: bool = True, dry_run: bool = False) -> Answer:
        """Apply manifests, as `apply` does, that are written as YAML or JSON documents."""
        mode = ["--server-side"] if server_side else []
        keep = ["--dry-run=server"] if dry_run else []
        return self.run("apply", *mode, *keep, "--validate=strict", "--filename=-", text=text)
