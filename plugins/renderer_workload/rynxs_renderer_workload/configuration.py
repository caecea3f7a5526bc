"""What a pod is told in files: the agent's spec as it is in force, and a session's input."""

from __future__ import annotations

import json
from hashlib import sha256
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rynxs_renderer_workload.identity import Identity

SPEC_KEY = "spec.json"
INPUT_KEY = "input.txt"
_CONFIG_DIGEST = "universe.ai/config-digest"


def config_map(
    identity: Identity, agent: Mapping[str, Any], more: Mapping[str, str]
) -> dict[str, Any]:
    """Return the ConfigMap with the agent's spec, and more by key.

    Whether it is suspended is not in it: nobody reads that then, and resuming must change nothing.
    """
    told = {name: member for name, member in agent["spec"].items() if name != "suspend"}
    spec = json.dumps(told, indent=2, sort_keys=True, ensure_ascii=False)
    return {
        "apiVersion": "v1",
        "data": {**more, SPEC_KEY: spec + "\n"},
        "kind": "ConfigMap",
        "metadata": identity.metadata_of(identity.name),
    }


def digest_annotation(config: Mapping[str, Any]) -> dict[str, str]:
    """Return the annotation that makes a changed spec another pod template."""
    return {_CONFIG_DIGEST: sha256(config["data"][SPEC_KEY].encode()).hexdigest()}
