"""The configuration by which the API server asks an operator's admission webhook."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

from tests.servers.endpoint import LOOPBACK

if TYPE_CHECKING:
    from tests.servers.certificate import Certificate


def webhook_configuration(namespace: str, port: int, certificate: Certificate) -> dict[str, Any]:
    """Return a ValidatingWebhookConfiguration for the Agents of a namespace.

    Args:
        namespace: Also the configuration's name.
        port: Of the webhook, on loopback.
        certificate: Of the webhook.
    """
    rule = {
        "apiGroups": ["universe.ai"],
        "apiVersions": ["v1alpha1"],
        "operations": ["CREATE", "UPDATE", "DELETE"],
        "resources": ["agents"],
    }
    client = {
        "url": f"https://{LOOPBACK}:{port}/",
        "caBundle": base64.b64encode(certificate.file.read_bytes()).decode(),
    }
    hook = {
        "name": "actors.rynxs.universe.ai",
        "admissionReviewVersions": ["v1"],
        "clientConfig": client,
        "failurePolicy": "Ignore",
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}},
        "rules": [rule],
        "sideEffects": "NoneOnDryRun",
        "timeoutSeconds": 5,
    }
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingWebhookConfiguration",
        "metadata": {"name": namespace},
        "webhooks": [hook],
    }
