"""A self-signed certificate for a server on loopback."""

from __future__ import annotations

import datetime as dt
import ipaddress
from typing import TYPE_CHECKING, NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from tests.servers.endpoint import LOOPBACK

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

NAME = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "rynxs test server")])


class Certificate(NamedTuple):
    """The files of a certificate, under the names that MinIO looks for in a directory."""

    file: Path
    key_file: Path

    @classmethod
    def self_signed(cls, directory: Path, *hosts: str) -> Certificate:
        """Make a key and a certificate for 127.0.0.1, localhost and others, valid for a day."""
        key = ec.generate_private_key(ec.SECP256R1())
        made = cls(directory / "public.crt", directory / "private.key")
        directory.mkdir(parents=True, exist_ok=True)
        made.file.write_bytes(_sign(key, hosts).public_bytes(serialization.Encoding.PEM))
        made.key_file.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        made.key_file.chmod(0o600)
        return made


def _sign(key: ec.EllipticCurvePrivateKey, hosts: Sequence[str]) -> x509.Certificate:
    now = dt.datetime.now(dt.UTC)
    day = dt.timedelta(days=1)
    dns = [x509.DNSName(each) for each in ("localhost", *hosts)]
    names = [x509.IPAddress(ipaddress.ip_address(LOOPBACK)), *dns]
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    return (
        x509.CertificateBuilder()
        .subject_name(NAME)
        .issuer_name(NAME)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - day)
        .not_valid_after(now + day)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(identifier, critical=False)
        .sign(key, hashes.SHA256())
    )
