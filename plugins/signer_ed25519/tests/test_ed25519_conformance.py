"""The Ed25519 signer keeps what every signer promises."""

from __future__ import annotations

from rynxs.testing.signer import SignerConformance


class TestEd25519(SignerConformance):
    plugin_module = "rynxs_signer_ed25519.plugin"
