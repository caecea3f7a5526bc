"""The ML-DSA-44 signer keeps what every signer promises."""

from __future__ import annotations

from rynxs.testing.signer import SignerConformance


class TestMlDsa44(SignerConformance):
    plugin_module = "rynxs_signer_mldsa44.plugin"
