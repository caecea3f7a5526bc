"""The conformance kit for signers.

In a test module of the plugin::

    from rynxs.testing.signer import SignerConformance

    class TestAcme(SignerConformance):
        plugin_module = "acme_signer"

Keys are made of fixed bytes and stay in temporary files.
"""

from __future__ import annotations

import base64
import re
import traceback
from typing import TYPE_CHECKING, Any, ClassVar

import pytest

from rynxs.errors import CheckpointRefused, KeyFileError
from rynxs.eventlog import note
from rynxs.eventlog.vkey import signature_type
from rynxs.sources import fixed_sources
from rynxs.testing.keypair import NAME, OTHER_SEED, SEED, KeyPair, flipped, written
from rynxs.testing.plugin import PluginConformance

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from rynxs.eventlog.note import SigningKey
    from rynxs.extension import SignerPlugin
    from rynxs.sources import Sources

_TEXT = "log.example/kit\n3\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
_MESSAGE = _TEXT.encode()
_TIME_US = 1_700_000_000_000_000
_VKEY = re.compile(r"(?P<name>[^+\s]+)\+(?P<key_id>[0-9a-f]{8})\+(?P<blob>[A-Za-z0-9+/]+={0,2})")


class SignerConformance(PluginConformance):
    """The promises of a signer whose private key is in a file that a URL names."""

    family = "signer"
    sources: ClassVar[Sources] = fixed_sources(_TIME_US)

    @pytest.fixture
    def pair(self, plugin: SignerPlugin) -> KeyPair:
        """The key under test."""
        return KeyPair(*plugin.generate(NAME, SEED))

    @pytest.fixture
    def other(self, plugin: SignerPlugin) -> KeyPair:
        """Another key of the same name."""
        return KeyPair(*plugin.generate(NAME, OTHER_SEED))

    @pytest.fixture
    def load(self, plugin: SignerPlugin, tmp_path: Path) -> Callable[[str], SigningKey]:
        """A function that writes a private key as `rynxs keys generate` does, and loads it."""

        def write_and_load(private: str) -> SigningKey:
            file = written(tmp_path / "signing.key", f"{private}\n".encode(), 0o600)
            signer = self.load_from(plugin, file)
            assert signer is not None, "load_signer() must return the key that the settings name"
            return signer

        return write_and_load

    def load_from(self, plugin: SignerPlugin, file: Path) -> SigningKey | None:
        """Load a private key the way of ``--signer NAME:FILE``."""
        settings = {**self.settings, **plugin.parse_url(str(file))}
        return plugin.load_signer(plugin.settings.model_validate(settings), self.sources)

    def test_without_a_key_in_the_settings_nothing_is_signed(self, plugin: SignerPlugin) -> None:
        """Settings that name no key are allowed, and `load_signer` returns None for them."""
        settings = plugin.settings.model_validate(self.settings)
        assert plugin.load_signer(settings, self.sources) is None, (
            "load_signer() must return None when no key is named"
        )

    def test_a_key_is_a_function_of_its_name_and_32_bytes(self, plugin: SignerPlugin) -> None:
        """The same name and bytes make the same key; other bytes make another one."""
        first = plugin.generate(NAME, SEED)
        assert plugin.generate(NAME, SEED) == first, "the same bytes must make the same key"
        private, vkey = plugin.generate(NAME, OTHER_SEED)
        assert private != first[0], "other bytes must make another private key"
        assert vkey != first[1], "other bytes must make another vkey"

    @pytest.mark.parametrize("name", ["", "a b", "a+b", "a\nb"])
    def test_a_name_that_no_note_could_hold_is_refused(
        self, plugin: SignerPlugin, name: str
    ) -> None:
        """A name is not empty, and has neither plus sign nor white space."""
        _refusal(f"generate() of a key called {name!r}", plugin.generate, name, SEED)

    def test_a_vkey_has_the_form_of_signed_notes(self, pair: KeyPair) -> None:
        """A vkey is name+key ID in hex+base64 (https://c2sp.org/signed-note)."""
        found = _VKEY.fullmatch(pair.vkey)
        assert found, f"the vkey {pair.vkey!r} must be name+8 hexadecimal digits+base64"
        assert found["name"] == NAME, f"the vkey {pair.vkey!r} must start with the name {NAME}"
        raw = base64.b64decode(found["blob"], validate=True)
        assert base64.b64encode(raw).decode() == found["blob"], "base64 has one form"
        assert len(raw) > 1, "the base64 of a vkey holds a byte for the type and the key"

    def test_a_vkey_is_of_a_type_that_the_plugin_declares(
        self, plugin: SignerPlugin, pair: KeyPair
    ) -> None:
        """A vkey on a command line finds its plugin by the type, so what it makes is declared."""
        vkeys = {pair.vkey}
        if plugin.generate_cosigner is not None:
            private, vkey = plugin.generate_cosigner(NAME, SEED)
            assert plugin.public_key(private) == vkey, "a cosigner's key must tell its vkey"
            vkeys.add(vkey)
        for vkey in vkeys:
            found = signature_type(vkey)
            assert found in plugin.key_types, (
                f"key_types must hold {found:#04x}, the type of {vkey[:80]}"
            )

    def test_name_and_key_id_are_those_of_the_vkey(
        self, plugin: SignerPlugin, pair: KeyPair, load: Callable[[str], SigningKey]
    ) -> None:
        """The private key and the vkey name themselves alike, so signatures find their key."""
        name, key_id, _ = pair.vkey.split("+", 2)
        signer = load(pair.private)
        assert signer.vkey == pair.vkey, f"its vkey must be {pair.vkey}, but is {signer.vkey}"
        for key in (plugin.parse_verifier(pair.vkey), signer):
            found = key.name, key.key_id.hex()
            assert found == (name, key_id), (
                f"{type(key).__name__} must be {name}+{key_id}, but is {'+'.join(found)}"
            )

    def test_the_public_key_of_a_private_key_is_its_vkey(
        self, plugin: SignerPlugin, pair: KeyPair
    ) -> None:
        """`rynxs keys show` finds the vkey again, with or without a newline at the end."""
        for text in (pair.private, f"{pair.private}\n"):
            vkey = plugin.public_key(text)
            assert vkey == pair.vkey, f"public_key() must return {pair.vkey}, but returned {vkey}"

    def test_a_signed_note_verifies(
        self, plugin: SignerPlugin, pair: KeyPair, load: Callable[[str], SigningKey]
    ) -> None:
        """What the private key signs, the vkey verifies, and so does the private key itself."""
        signer = load(pair.private)
        signed = note.parse(note.sign(_TEXT, [signer]))
        for key in (plugin.parse_verifier(pair.vkey), signer):
            try:
                names = note.verify(signed, [key])
            except CheckpointRefused as error:
                raise AssertionError(
                    f"{type(key).__name__} must verify the signed note, but {error}"
                ) from error
            assert names == [NAME], f"the note is signed by {NAME}, and not by {names}"

    def test_a_flipped_bit_of_the_message_is_refused(
        self, plugin: SignerPlugin, pair: KeyPair, load: Callable[[str], SigningKey]
    ) -> None:
        """A signature is of one message only."""
        signer = load(pair.private)
        signature = signer.sign(_MESSAGE)
        altered = [flipped(_MESSAGE, position) for position in range(len(_MESSAGE))]
        for message in (*altered, b"", _MESSAGE[:-1], _MESSAGE + b"\n"):
            for key in (plugin.parse_verifier(pair.vkey), signer):
                _check_refused(key, message, signature, f"of another message: {message!r}")

    def test_a_flipped_bit_of_the_signature_is_refused(
        self, plugin: SignerPlugin, pair: KeyPair, load: Callable[[str], SigningKey]
    ) -> None:
        """A signature that is altered, cut or longer is none; `verify` says so and never raises."""
        signer = load(pair.private)
        signature = signer.sign(_MESSAGE)
        altered = [flipped(signature, position) for position in range(len(signature))]
        for forged in (*altered, b"", signature[:-1], signature + b"\0"):
            for key in (plugin.parse_verifier(pair.vkey), signer):
                _check_refused(key, _MESSAGE, forged, f"altered to {forged.hex()}")

    def test_another_keys_signature_is_refused(
        self,
        plugin: SignerPlugin,
        pair: KeyPair,
        other: KeyPair,
        load: Callable[[str], SigningKey],
    ) -> None:
        """A key of the same name and other bytes is another key."""
        signature = load(other.private).sign(_MESSAGE)
        for key in (plugin.parse_verifier(pair.vkey), load(pair.private)):
            _check_refused(key, _MESSAGE, signature, "of another key")

    def test_what_is_no_vkey_is_refused(self, plugin: SignerPlugin, pair: KeyPair) -> None:
        """`parse_verifier` takes a whole vkey whose key ID belongs to its key."""
        name, key_id, blob = pair.vkey.split("+", 2)
        shorter = base64.b64encode(base64.b64decode(blob)[:-1]).decode()
        wrong_id = flipped(bytes.fromhex(key_id), 3).hex()
        for text in (
            "", "nonsense", name, f"{name}+{key_id}", f"+{key_id}+{blob}", f"a b+{key_id}+{blob}",
            f"{name}+{key_id[:-2]}+{blob}", f"{name}+{wrong_id}+{blob}", f"{name}+{key_id}+!!!",
            f"{name}+{key_id}+", f"{name}+{key_id}+{shorter}", pair.private,
        ):  # fmt: skip
            shown = "a private key" if text == pair.private else repr(text)
            _refusal(f"parse_verifier() of {shown}", plugin.parse_verifier, text)

    def test_what_is_no_private_key_is_refused(self, plugin: SignerPlugin, pair: KeyPair) -> None:
        """`public_key` takes a whole private key."""
        for text in ("", "nonsense", pair.vkey, pair.private[:-5], f"{pair.private}x"):
            _refusal("public_key() of what is no private key", plugin.public_key, text)

    def test_a_file_that_holds_no_private_key_is_refused_by_name(
        self, plugin: SignerPlugin, pair: KeyPair, tmp_path: Path
    ) -> None:
        """A file that is missing, empty, garbage or a directory is told by its name."""
        (tmp_path / "directory").mkdir(mode=0o700)
        files = [tmp_path / "missing", tmp_path / "directory"]
        for kind, data in {
            "empty": b"",
            "garbage": b"nonsense\n",
            "bytes": bytes(range(256)) * 16,
            "vkey": f"{pair.vkey}\n".encode(),
            "cut": pair.private[:-5].encode(),
        }.items():
            files.append(written(tmp_path / kind, data, 0o600))
        for file in files:
            error = _refusal(f"a file ({file.name})", self.load_from, plugin, file)
            assert str(file) in str(error), f"the message must name the file {file}: {error}"

    @pytest.mark.parametrize("mode", [0o644, 0o604, 0o666], ids=oct)
    def test_a_private_key_that_others_can_read_is_refused_by_name(
        self, plugin: SignerPlugin, pair: KeyPair, tmp_path: Path, mode: int
    ) -> None:
        """A file whose mode lets everybody at the key is not used."""
        file = written(tmp_path / "open.key", f"{pair.private}\n".encode(), mode)
        error = _refusal(f"a key file of mode {mode:04o}", self.load_from, plugin, file)
        assert str(file) in str(error), f"the message must name the file {file}: {error}"

    def test_a_private_key_is_never_shown(
        self,
        plugin: SignerPlugin,
        pair: KeyPair,
        other: KeyPair,
        load: Callable[[str], SigningKey],
        tmp_path: Path,
    ) -> None:
        """Neither the signer's repr nor any error, its traceback included, shows the key."""
        signer = load(pair.private)
        cut = written(tmp_path / "cut", pair.private[:-5].encode(), 0o600)
        opened = written(tmp_path / "open", pair.private.encode(), 0o644)
        shown = {
            "its repr": repr(signer),
            "its str": str(signer),
            "the vkey": pair.vkey,
            "refusing a file that is cut": _told(self.load_from, plugin, cut),
            "refusing a file that is too open": _told(self.load_from, plugin, opened),
            "refusing a longer private key": _told(plugin.public_key, f"{pair.private}x"),
            "refusing a shorter private key": _told(plugin.public_key, pair.private[:-5]),
            "refusing it for a vkey": _told(plugin.parse_verifier, pair.private),
        }
        secrets = pair.secrets(other)
        leaks = [what for what, text in shown.items() if any(part in text for part in secrets)]
        assert not leaks, f"the private key is seen in: {', '.join(leaks)}"


def _check_refused(key: Any, message: bytes, signature: bytes, what: str) -> None:
    try:
        accepted = key.verify(message, signature)
    except Exception as error:
        raise AssertionError(
            f"verify() must return False for a signature {what}, but raised {error!r}"
        ) from error
    assert accepted is False, f"verify() returned {accepted!r} for a signature {what}"


def _refusal(what: str, function: Callable[..., Any], *arguments: Any) -> KeyFileError:
    """Return the `KeyFileError` with which a function refuses its arguments."""
    try:
        function(*arguments)
    except KeyFileError as error:
        return error
    except Exception as error:
        raise AssertionError(
            f"{what} must raise KeyFileError, but raised {type(error).__name__}"
        ) from error
    raise AssertionError(f"{what} must raise KeyFileError, but was accepted")


def _told(function: Callable[..., Any], *arguments: Any) -> str:
    """Return all that a user could see of an error, empty when there is none."""
    try:
        function(*arguments)
    except Exception as error:  # which one it is, is judged elsewhere
        return "".join(traceback.format_exception(error))
    return ""
