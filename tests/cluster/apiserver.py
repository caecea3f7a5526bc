"""kube-apiserver, with the admission plugins it has by default, and an audit log if wanted."""

from __future__ import annotations

import json
from secrets import token_hex
from typing import TYPE_CHECKING, ClassVar

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.cluster.component import SecureComponent
from tests.cluster.kubeconfig import write_kubeconfig
from tests.servers.endpoint import LOOPBACK
from tests.servers.process import TOOLS

if TYPE_CHECKING:
    from pathlib import Path

ADMINISTRATOR = "admin"
CONTROLLER_MANAGER = "system:kube-controller-manager"
SCHEDULER = "system:kube-scheduler"
KWOK = "kwok"
NODE = "real-0"
KUBELET = f"system:node:{NODE}"
KUBE_PROXY = "system:kube-proxy"
COREDNS = "coredns"
USERS = {
    ADMINISTRATOR: "system:masters",
    CONTROLLER_MANAGER: "",
    SCHEDULER: "",
    KWOK: "system:masters",
    KUBELET: "system:nodes",
    KUBE_PROXY: "",
    COREDNS: "system:masters",
}
"""Who has a token, and in which group; RBAC is born with roles for those that have none."""
ISSUER = "https://kubernetes.default.svc.cluster.local"
SERVICES = "10.96.0.0/16"
NOWHERE = "198.51.100.1"
"""Loopback may not be advertised, and nothing is here (RFC 5737, TEST-NET-2) until a real node
joins, which reaches the API server there."""
AUDIT_POLICY = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "omitStages": ["RequestReceived", "ResponseStarted"],
    "rules": [{"level": "None", "verbs": ["get", "list", "watch"]}, {"level": "Metadata"}],
}


class KubeApiserver(SecureComponent):
    """kube-apiserver on loopback.

    Attributes:
        token: The bearer token of the administrator, who is in `system:masters`.
        key_file: The key that signs and verifies the tokens of service accounts.
        kubeconfig: Speaks for the administrator.
        audit_log: Where every request but reads is written once it is answered, if that is wanted;
            what a client has seen the end of is there (`tests.cluster.audit` reads it).
    """

    program: ClassVar = TOOLS / "kube-apiserver"
    paths: ClassVar = ("/readyz", "/api/v1/namespaces/default")  # it is ready before it makes this

    def __init__(self, etcd_url: str, *, audit: bool = False) -> None:
        """Reserve a port and write the files; nothing runs yet.

        Args:
            etcd_url: The etcd that it keeps its objects in.
            audit: Write the audit log.
        """
        super().__init__("apiserver")
        self.etcd_url = etcd_url
        self.key_file = _write_key(self.directory / "service-accounts.key")
        self.audit_log = self.directory / "audit.log"
        self._audit_policy = self.directory / "audit-policy.json"
        self._audit_policy.write_text(json.dumps(AUDIT_POLICY))
        self._audit = audit
        tokens = {user: token_hex(16) for user in USERS}
        self._tokens = self.directory / "tokens.csv"
        self._tokens.write_text(
            "".join(f"{tokens[user]},{user},{user},{group}\n" for user, group in USERS.items())
        )
        self._kubeconfigs = {user: self.write_kubeconfig(user, tokens[user]) for user in USERS}
        self._tokens_of = tokens
        self.token = tokens[ADMINISTRATOR]
        self.headers = {"Authorization": f"Bearer {self.token}"}
        self.kubeconfig = self.kubeconfig_of(ADMINISTRATOR)

    def command(self) -> list[str]:
        return [
            f"--etcd-servers={self.etcd_url}",
            f"--bind-address={LOOPBACK}",
            f"--secure-port={self._port.number}",
            f"--advertise-address={NOWHERE}",
            f"--cert-dir={self.ca_file.parent}",
            f"--service-account-key-file={self.key_file}",
            f"--service-account-signing-key-file={self.key_file}",
            f"--service-account-issuer={ISSUER}",
            f"--service-cluster-ip-range={SERVICES}",
            f"--token-auth-file={self._tokens}",
            "--authorization-mode=Node,RBAC",
            "--allow-privileged=true",
            # A Service's own address leads nowhere from here, those of the pods behind it do.
            "--enable-aggregator-routing=true",
            "--kubelet-preferred-address-types=InternalIP",  # no DNS knows a node by its name
            *(self._audit_options() if self._audit else []),
        ]

    @property
    def advertised(self) -> str:
        """The endpoint of the Service `kubernetes`: where pods and their node would reach it."""
        return f"{NOWHERE}:{self._port.number}"

    def kubeconfig_of(self, user: str) -> Path:
        """Return the kubeconfig of one of `USERS`."""
        return self._kubeconfigs[user]

    def advertised_kubeconfig_of(self, user: str) -> Path:
        """Write the kubeconfig of one of `USERS` that speaks to `advertised`."""
        return self.write_kubeconfig(
            user, self._tokens_of[user], endpoint=self.advertised, suffix="advertised.kubeconfig"
        )

    def write_kubeconfig(
        self,
        user: str,
        token: str,
        *,
        endpoint: str | None = None,
        suffix: str = "kubeconfig",
    ) -> Path:
        """Write the kubeconfig of a user whose token is known, and return its file.

        Args:
            user: Whose it is; the file is named after him.
            token: His bearer token.
            endpoint: Where he reaches the API server, if not on loopback.
            suffix: What the file's name ends with, after a dot.
        """
        return write_kubeconfig(
            # KUBECONFIG is a list that colons part, and the system's users have one in their names.
            self.directory / f"{user.replace(':', '.')}.{suffix}",
            endpoint=endpoint or self.endpoint,
            ca_file=self.ca_file,
            user=user,
            token=token,
        )

    def _audit_options(self) -> list[str]:
        return [
            f"--audit-policy-file={self._audit_policy}",
            f"--audit-log-path={self.audit_log}",
            "--audit-log-mode=blocking",  # an answer ends after its event is written
            "--audit-log-maxsize=0",  # never begun anew
        ]


def _write_key(file: Path) -> Path:
    """Write a new private key in the form that kube-apiserver also takes a public key from."""
    pem = ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    )
    file.write_bytes(pem)
    file.chmod(0o600)
    return file
