"""Make a signing key and store it as a Secret, unless that is there; run by a hook of the chart."""

from __future__ import annotations

import argparse
import base64
import http.client
import json
import os
import ssl
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
LIMIT_S = 30


def main() -> None:
    """Make the key; an existing one is never overwritten, and the private key is never printed."""
    asked = _arguments()
    namespace = (ACCOUNT / "namespace").read_text().strip()
    path = f"/api/v1/namespaces/{namespace}/secrets"
    status, found = _ask("GET", f"{path}/{asked.secret}")
    if status == http.client.OK:
        if asked.key not in found.get("data", {}):
            sys.exit(f"the Secret {asked.secret} is there, but holds no {asked.key}")
        sys.stdout.write(f"the Secret {asked.secret} is there already\n")
        return
    if status != http.client.NOT_FOUND:
        sys.exit(f"can't look for the Secret {asked.secret}: {found.get('message', status)}")
    # Not immutable: as long as one pod has such a Secret, the kubelet gives it to each new one
    # too, even after it was made anew (kubernetes/kubernetes#131589), which then signs with a
    # key that nobody else has.
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": asked.secret, "labels": json.loads(asked.labels)},
        "data": _made(asked),
    }
    status, answer = _ask("POST", path, secret)
    if status not in {http.client.CREATED, http.client.CONFLICT}:  # or somebody else has made it
        sys.exit(f"can't store the Secret {asked.secret}: {answer.get('message', status)}")
    sys.stdout.write(f"the Secret {asked.secret} holds the signing key\n")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    for name in ("secret", "key", "name", "scheme", "labels"):
        parser.add_argument(f"--{name}", required=True)
    return parser.parse_args()


def _made(asked: argparse.Namespace) -> dict[str, str]:
    """Return a new private key and its public part, as the data of a Secret."""
    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory) / "key"
        made = subprocess.run(
            ["rynxs", "keys", "generate", file, "--name", asked.name, "--scheme", asked.scheme],
            capture_output=True,
            text=True,
            check=False,
        )
        if made.returncode:
            sys.exit(f"rynxs keys generate: {made.stderr.strip()}")
        files = {asked.key: file, f"{asked.key}.pub": file.with_name("key.pub")}
        return {name: base64.b64encode(each.read_bytes()).decode() for name, each in files.items()}


def _ask(method: str, path: str, body: dict[str, Any] | None = None) -> tuple[int, dict[str, Any]]:
    """Return the status and the answer of the API server."""
    connection = http.client.HTTPSConnection(
        os.environ["KUBERNETES_SERVICE_HOST"],
        int(os.environ["KUBERNETES_SERVICE_PORT"]),
        timeout=LIMIT_S,
        context=ssl.create_default_context(cafile=str(ACCOUNT / "ca.crt")),
    )
    token = (ACCOUNT / "token").read_text().strip()
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    connection.request(method, path, json.dumps(body) if body else None, headers)
    answer = connection.getresponse()
    return answer.status, json.loads(answer.read())


if __name__ == "__main__":
    main()
