"""The hook: the signer named ``mldsa44``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import Field

from rynxs.api import ConfigError, ConfigModel, SignerPlugin, hookimpl

if TYPE_CHECKING:
    from rynxs.api import NoteVerifier, SigningKey, Sources


class MlDsa44Settings(ConfigModel):
    """``settings.signer``, or ``settings.cosigners.mldsa44``."""

    key_file: str | None = Field(
        None, min_length=1, description="File of the private key; without it nothing is signed."
    )


@hookimpl
def rynxs_signer() -> SignerPlugin:
    """Return the ML-DSA-44 scheme."""
    return SignerPlugin(
        name="mldsa44",
        key_types=frozenset({0x06}),
        settings=MlDsa44Settings,
        parse_url=_parse_url,
        load_signer=_load_signer,
        parse_verifier=_parse_verifier,
        generate=_generate,
        public_key=_public_key,
        generate_cosigner=_generate,
    )


def _parse_url(rest: str) -> dict[str, Any]:
    path = rest.removeprefix("//")
    if not path:
        raise ConfigError("mldsa44: names no key file; expected is mldsa44:PATH")
    return {"keyFile": path}


# The functions below import `cryptography` only when a key is really used.


def _load_signer(settings: MlDsa44Settings, sources: Sources) -> SigningKey | None:
    from rynxs_signer_mldsa44 import keys

    return keys.load_signer(settings.key_file, sources) if settings.key_file else None


def _parse_verifier(vkey: str) -> NoteVerifier:
    from rynxs_signer_mldsa44 import keys

    return keys.parse_vkey(vkey)


def _generate(name: str, seed: bytes) -> tuple[str, str]:
    from rynxs_signer_mldsa44 import keys

    key = keys.PrivateKey(name, seed)
    return key.skey, key.vkey


def _public_key(text: str) -> str:
    from rynxs_signer_mldsa44 import keys

    return keys.parse_skey(text, "the key").vkey
