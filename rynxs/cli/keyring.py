"""Public keys given on the command line, of whatever installed scheme."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rynxs.config import Config
    from rynxs.eventlog.note import NoteVerifier
    from rynxs.eventlog.trust import Trust
    from rynxs.extension import SignerPlugin

_FILE_SIZE_MAX = 64 * 1024
_VKEY = re.compile(r"[^+\s]+\+[^+]+\+\S+")


def trusted(config: Config, keys: Sequence[str] | None, required: int | None = None) -> Trust:
    """Return the trust in the keys that options name; rotations of a log are followed from them.

    Raises:
        KeyFileError: a key is neither a vkey nor in a file of them.
        UsageError: more keys are required than are given.
    """
    from rynxs.errors import UsageError
    from rynxs.eventlog.trust import Trust

    known = verifiers(config, keys)
    if required is not None and required > len(known):
        raise UsageError(f"--require {required}: given with --key are {len(known)} distinct keys")
    return Trust(tuple(known), required or 1, lambda vkey: parse_verifier(config, vkey))


def verifiers(config: Config, keys: Sequence[str] | None) -> list[NoteVerifier]:
    """Return the distinct keys of vkeys, or of files that hold one a line.

    Raises:
        KeyFileError: a key is neither.
        UsageError: a public key is given under two names or types: it would count as two signers.
    """
    from rynxs.errors import UsageError
    from rynxs.eventlog.vkey import parse_vkey

    vkeys = dict.fromkeys(vkey for key in keys or () for vkey in vkeys_of(key))
    known = [parse_verifier(config, vkey) for vkey in vkeys]
    first: dict[bytes, str] = {}
    for vkey in vkeys:
        public = parse_vkey(vkey).raw[1:]  # what follows the type
        if first.setdefault(public, vkey) != vkey:
            raise UsageError(f"--key {first[public]} and {vkey} are one public key: give it once")
    return known


def parse_verifier(config: Config, vkey: str) -> NoteVerifier:
    """Return the key of a vkey: the first byte of its key says which plugins may know it.

    Raises:
        KeyFileError: it is no vkey, or no installed signer has keys of its type.
    """
    from rynxs.errors import KeyFileError
    from rynxs.eventlog.vkey import signature_type

    wanted = signature_type(vkey)
    refused: KeyFileError | None = None
    known: list[str] = []
    for scheme in config.signer_schemes():
        known += [f"{each:#04x} ({scheme.name})" for each in sorted(scheme.key_types)]
        if wanted in scheme.key_types:
            try:
                return scheme.parse_verifier(vkey)
            except KeyFileError as error:  # types without a byte of their own share 0xff
                refused = refused or error
    if refused is not None:
        raise refused
    raise KeyFileError(
        f"vkey {vkey!r}: no installed signer knows keys of type {wanted:#04x}; known are: "
        f"{', '.join(known) or 'none'}"
    )


def private_key(config: Config, file: Path) -> tuple[str, SignerPlugin]:
    """Return the vkey of a private key's file, and the installed signer whose key it is.

    Raises:
        KeyFileError: it can't be read, or is no private key of an installed signer.
    """
    from rynxs.errors import KeyFileError

    try:
        with file.open("rb") as opened:
            text = opened.read(_FILE_SIZE_MAX).decode(errors="replace")
    except OSError as error:
        raise KeyFileError(f"{file}: {error.strerror}") from None
    refused: KeyFileError | None = None
    for scheme in config.signer_schemes():
        try:
            return scheme.public_key(text), scheme
        except KeyFileError as error:
            refused = refused or error  # of the picked one, which comes first
    raise KeyFileError(f"{file}: {refused or 'no signer is installed'}")


def vkeys_of(text: str) -> list[str]:
    """Return the vkeys that an option names: itself, or those in a file, one a line.

    Raises:
        KeyFileError: it is neither a vkey nor a file of them.
    """
    from rynxs.errors import KeyFileError

    if _VKEY.fullmatch(text):
        return [text]
    try:
        with Path(text).open(encoding="utf-8") as file:
            lines = file.read(_FILE_SIZE_MAX).splitlines()
    except UnicodeDecodeError:
        raise KeyFileError(f"{text}: not a file of public keys") from None
    except OSError as error:
        raise KeyFileError(
            f"--key {text}: neither a vkey (name+id+base64) nor a file of them: {error.strerror}"
        ) from None
    found = [line.strip() for line in lines if line.strip() and not line.startswith("#")]
    if not found:
        raise KeyFileError(f"--key {text}: no key in it")
    return found
