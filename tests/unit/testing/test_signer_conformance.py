"""The signers' kit bites: each broken signer fails on the promise that it breaks."""

from __future__ import annotations

from textwrap import dedent, indent
from typing import TYPE_CHECKING, NamedTuple

import pytest

if TYPE_CHECKING:
    from tests.unit.testing.conftest import RunKit

# A toy: whoever knows the public key can sign, which no test could tell.
GOOD = """
import base64, os, pathlib
from hashlib import sha256
from rynxs.api import ConfigModel, KeyFileError, SignerPlugin, hookimpl, is_key_name


class Settings(ConfigModel):
    file: str | None = None


class Key:
    def __init__(self, name, public, scheme, seed=b""):
        self.name, self.public, self.scheme, self.seed = name, public, scheme, seed

    @property
    def key_id(self):
        return sha256(self.name.encode() + self.public).digest()[:4]

    @property
    def vkey(self):
        return self.scheme.text(self, b"T" + self.public)

    def sign(self, message):
        return sha256(self.public + message).digest()

    def verify(self, message, signature):
        return self.scheme.is_signed(self, message, signature)

    def __repr__(self):
        return self.scheme.shown(self)


class Toy:
    def shown(self, key):
        return f"Key({key.name})"

    def is_signed(self, key, message, signature):
        return key.sign(message) == signature

    def key_id(self, key):
        return key.key_id.hex()

    def text(self, key, raw):
        return f"{key.name}+{self.key_id(key)}+{base64.b64encode(raw).decode()}"

    def check_name(self, name):
        if not is_key_name(name):
            raise KeyFileError("not the name of a key")

    def seed(self, seed):
        return seed

    def public(self, seed):
        return sha256(seed).digest()

    def generate(self, name, seed):
        self.check_name(name)
        seed = self.seed(seed)
        key = Key(name, self.public(seed), self, seed)
        return "SECRET+" + self.text(key, b"T" + seed), self.text(key, b"T" + key.public)

    def parsed(self, text):
        try:
            name, key_id, blob = text.split("+", 2)
            raw = base64.b64decode(blob, validate=True)
        except ValueError:
            raise KeyFileError("not a key") from None
        if raw[:1] != b"T" or len(raw) != 33 or not is_key_name(name):
            raise KeyFileError("not a key")
        return name, key_id, raw[1:]

    def parse_verifier(self, text):
        name, key_id, public = self.parsed(text)
        key = Key(name, public, self)
        self.check_key_id(key, key_id)
        return key

    def check_key_id(self, key, key_id):
        if self.key_id(key) != key_id:
            raise KeyFileError("the key ID is wrong")

    def parse_private(self, text, source):
        name, key_id, seed = self.parsed(self.secret(text.removesuffix("\\n"), source))
        key = Key(name, self.public(seed), self, seed)
        self.check_key_id(key, key_id)
        return key

    def secret(self, text, source):
        if not text.startswith("SECRET+"):
            raise KeyFileError(f"{source}: not a private key")
        return text.removeprefix("SECRET+")

    def public_key(self, text):
        key = self.parse_private(text, "the key")
        return self.text(key, b"T" + key.public)

    def load_signer(self, settings, sources):
        return None if settings.file is None else self.load(pathlib.Path(settings.file))

    def load(self, file):
        try:
            self.check_mode(file)
            return self.parse_private(file.read_bytes().decode(), file)
        except UnicodeDecodeError:
            raise KeyFileError(f"{file}: not text") from None
        except OSError as error:
            raise KeyFileError(f"{file}: {error.strerror}") from None
        except KeyFileError as error:
            raise KeyFileError(f"{file}: {error}") from None

    def check_mode(self, file):
        if file.stat().st_mode & 0o007:
            raise KeyFileError("too open")

    def parse_url(self, rest):
        return {"file": rest}

    def key_types(self):
        return frozenset(b"T")

    def plugin(self):
        return SignerPlugin(
            name="toy", settings=Settings, parse_url=self.parse_url, load_signer=self.load_signer,
            parse_verifier=self.parse_verifier, generate=self.generate, public_key=self.public_key,
            key_types=self.key_types())


@hookimpl
def rynxs_signer():
    return Toy().plugin()
"""
BROKEN = """
from good import *

class Broken(Toy):
{body}

@hookimpl
def rynxs_signer():
    return Broken().plugin()
"""
TEST = """
from rynxs.testing.signer import SignerConformance

class TestGood(SignerConformance):
    plugin_module = "good"
"""


class Case(NamedTuple):
    """A broken signer: what it overrides, the tests that fail, and part of what one says."""

    body: str
    breaks: set[str]
    says: str


MESSAGE = "test_a_flipped_bit_of_the_message_is_refused"
SIGNATURE = "test_a_flipped_bit_of_the_signature_is_refused"
ANOTHER = "test_another_keys_signature_is_refused"
FILES = "test_a_file_that_holds_no_private_key_is_refused_by_name"
MODES = "test_a_private_key_that_others_can_read_is_refused_by_name"
SHOWN = "test_a_private_key_is_never_shown"
NO_VKEY = "test_what_is_no_vkey_is_refused"
NO_PRIVATE = "test_what_is_no_private_key_is_refused"
FORM = "test_a_vkey_has_the_form_of_signed_notes"
SAME_ID = "test_name_and_key_id_are_those_of_the_vkey"
CASES = {
    "AcceptsEverything": Case(
        "def is_signed(self, key, message, signature): return True",
        {MESSAGE, SIGNATURE, ANOTHER},
        "verify() returned True for a signature of another key",
    ),
    "AcceptsNothing": Case(
        "def is_signed(self, key, message, signature): return False",
        {"test_a_signed_note_verifies"},
        "Key must verify the signed note, but the signature of log.example/kit is not valid",
    ),
    "ReadsTheStartOfASignature": Case(
        "def is_signed(self, key, message, signature): return key.sign(message) == signature[:32]",
        {SIGNATURE},
        "verify() returned True for a signature altered to ",
    ),
    "RaisesForAShortSignature": Case(
        """
        def is_signed(self, key, message, signature):
            if len(signature) != 32:
                raise ValueError("length")
            return super().is_signed(key, message, signature)
        """,
        {SIGNATURE},
        "but raised ValueError('length')",
    ),
    "ReadsTheStartOfAMessage": Case(
        """
        def is_signed(self, key, message, signature):
            return key.sign(message) == signature or key.sign(message[:-1]) == signature
        """,
        {MESSAGE},
        "verify() returned True for a signature of another message: b'log.example/kit",
    ),
    "ShowsItsKeyInItsRepr": Case(
        "def shown(self, key): return f'Key({key.seed.hex()})'",
        {SHOWN},
        "the private key is seen in: its repr, its str",
    ),
    "ShowsItsKeyInAnError": Case(
        """
        def parsed(self, text):
            try:
                return super().parsed(text)
            except KeyFileError:
                raise KeyFileError(f"{text!r} is not a key") from None
        """,
        {SHOWN},
        "the private key is seen in: refusing a file that is cut, refusing a longer private key, ",
    ),
    "ShowsItsKeyInATraceback": Case(
        """
        def parse_verifier(self, text):
            try:
                {}[text]
            except KeyError as error:
                cause = error
            try:
                return super().parse_verifier(text)
            except KeyFileError:
                raise KeyFileError("not a vkey") from cause
        """,
        {SHOWN},
        "the private key is seen in: refusing it for a vkey",
    ),
    "ShowsItsKeyInTheVkey": Case(
        "def public(self, seed): return seed",
        {SHOWN},
        "the private key is seen in: the vkey",
    ),
    "IgnoresTheMode": Case(
        "def check_mode(self, file): pass",
        {MODES},
        "a key file of mode 0644 must raise KeyFileError, but was accepted",
    ),
    "ReadsTheModeOfItsGroup": Case(
        """
        def check_mode(self, file):
            if file.stat().st_mode & 0o040:
                raise KeyFileError("too open")
        """,
        {MODES},
        "a key file of mode 0604 must raise KeyFileError, but was accepted",
    ),
    "RaisesWhatTheSystemRaises": Case(
        "def load(self, file): return self.parse_private(file.read_text(), file)",
        {FILES, MODES},
        "a file (missing) must raise KeyFileError, but raised FileNotFoundError",
    ),
    "DoesNotNameTheFile": Case(
        """
        def load(self, file):
            try:
                return super().load(file)
            except KeyFileError:
                raise KeyFileError("the key file is no good") from None
        """,
        {FILES, MODES},
        "the message must name the file ",
    ),
    "BringsItsOwnRandomness": Case(
        "def seed(self, seed): return os.urandom(32)",
        {"test_a_key_is_a_function_of_its_name_and_32_bytes"},
        "the same bytes must make the same key",
    ),
    "HasOneKeyOnly": Case(
        "def seed(self, seed): return bytes(32)",
        {"test_a_key_is_a_function_of_its_name_and_32_bytes", ANOTHER},
        "other bytes must make another private key",
    ),
    "TakesAnyName": Case(
        "def check_name(self, name): pass",
        {"test_a_name_that_no_note_could_hold_is_refused"},
        "generate() of a key called 'a b' must raise KeyFileError, but was accepted",
    ),
    "WritesTheKeyIdInCapitals": Case(
        "def key_id(self, key): return key.key_id.hex().upper()",
        {FORM, SAME_ID},
        "must be name+8 hexadecimal digits+base64",
    ),
    "IgnoresTheKeyId": Case(
        "def check_key_id(self, key, key_id): pass",
        {NO_VKEY},
        "' must raise KeyFileError, but was accepted",
    ),
    "TakesAPrivateKeyForAVkey": Case(
        """
        def parse_verifier(self, text):
            if text.startswith("SECRET+"):
                return self.parse_private(text, "the key")
            return super().parse_verifier(text)
        """,
        {NO_VKEY},
        "parse_verifier() of a private key must raise KeyFileError, but was accepted",
    ),
    "TakesAVkeyForAPrivateKey": Case(
        """
        def secret(self, text, source):
            return text.removeprefix("SECRET+")

        def check_key_id(self, key, key_id):
            if not key.seed:
                super().check_key_id(key, key_id)
        """,
        {NO_PRIVATE, FILES},
        "public_key() of what is no private key must raise KeyFileError, but was accepted",
    ),
    "DeclaresAnotherType": Case(
        "def key_types(self): return frozenset({1})",
        {"test_a_vkey_is_of_a_type_that_the_plugin_declares"},
        "key_types must hold 0x54, the type of log.example/kit+",
    ),
    "MindsANewline": Case(
        """
        def public_key(self, text):
            return super().public_key("" if text.endswith("\\n") else text)
        """,
        {"test_the_public_key_of_a_private_key_is_its_vkey"},
        "the key: not a private key",
    ),
    "SignsWithoutBeingAsked": Case(
        """
        def load_signer(self, settings, sources):
            return super().load_signer(settings, sources) or Key("log.example", bytes(32), self)
        """,
        {"test_without_a_key_in_the_settings_nothing_is_signed"},
        "load_signer() must return None when no key is named",
    ),
    "IgnoresTheUrl": Case(
        "def parse_url(self, rest): return {}",
        {SAME_ID, "test_a_signed_note_verifies", MESSAGE, SIGNATURE, ANOTHER, FILES, MODES, SHOWN},
        "load_signer() must return the key that the settings name",
    ),
}


def files() -> dict[str, str]:
    """The good signer, the broken ones, and a test module that runs the kit on all of them."""
    written = {"good.py": GOOD}
    classes = [TEST]
    for name, case in CASES.items():
        written[f"{name}.py"] = BROKEN.format(body=indent(dedent(case.body), "    "))
        plugin_module = f"plugin_module = {name!r}"
        classes.append(f"class Test{name}(SignerConformance):\n    {plugin_module}\n")
    return {**written, "test_kit.py": "\n".join(classes)}


@pytest.mark.slow
def test_a_good_signer_passes_and_a_broken_one_fails_on_the_promise_it_breaks(
    run_kit: RunKit,
) -> None:
    """One test, for all of them are judged in one run of pytest."""
    said = run_kit(files())
    failed = {name: set(tests) for name, tests in said.items()}
    assert failed == {"Good": set(), **{name: case.breaks for name, case in CASES.items()}}
    for name, case in CASES.items():
        assert any(case.says in message for message in said[name].values()), said[name]
