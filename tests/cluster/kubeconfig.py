"""Kubeconfigs: where an API server is, how it is verified, and who speaks to it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def write_kubeconfig(file: Path, *, endpoint: str, ca_file: Path, user: str, token: str) -> Path:
    """Write one that only its owner may read, for it holds a token, and return its file.

    Args:
        file: Where to.
        endpoint: The API server, as `127.0.0.1:PORT`.
        ca_file: What to verify its certificate with; read by whoever uses the kubeconfig.
        user: A name for who speaks; the API server goes by the token.
        token: The bearer token.
    """
    name = "rynxs-test"
    cluster = {"server": f"https://{endpoint}", "certificate-authority": str(ca_file)}
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": name, "cluster": cluster}],
        "users": [{"name": user, "user": {"token": token}}],
        "contexts": [{"name": name, "context": {"cluster": name, "user": user}}],
        "current-context": name,
    }
    file.touch(mode=0o600)
    file.write_text(json.dumps(content, indent=2))
    return file
