"""The report as one HTML file that loads nothing: its script and style are in it, by hash."""

from __future__ import annotations

import base64
import json
from hashlib import sha256
from html import escape
from importlib.resources import files
from string import Template
from typing import TYPE_CHECKING, Any

from rynxs.report import sections
from rynxs.report.packing import packed
from rynxs.report.visible import visible

if TYPE_CHECKING:
    from collections.abc import Mapping

_SCRIPTS = (
    "dom.js",
    "values.js",
    "history.js",
    "changes.js",
    "differences.js",
    "point.js",
    "subjects.js",
    "verdicts.js",
    "timeline_panel.js",
    "state_panel.js",
    "differences_panel.js",
    "print.js",
    "main.js",
)
_STYLES = ("page.css", "explorer.css", "print.css")


def page(document: Mapping[str, Any]) -> str:
    """Return the page of a document. The same document gives the same bytes."""
    document = visible(document)
    script = f'"use strict";\n(() => {{\n{"".join(map(_asset, _SCRIPTS))}}})();\n'
    style = "".join(map(_asset, _STYLES))
    assert "</script" not in script, "the script would end there"
    policy = (
        f"default-src 'none'; script-src {_hashed(script)}; style-src {_hashed(style)}; "
        "base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'; "
        "trusted-types 'none'"
    )
    return Template(_asset("page.html")).substitute(
        policy=escape(policy),
        style=style,
        script=script,
        data=embedded(packed(document)),
        origin=escape(document["log"]["origin"] or "an empty log"),
        head=sections.head(document),
        summary=sections.summary(document),
        verification=sections.verification(document["verification"]),
        findings=sections.findings(document),
        subjects=sections.subjects(document),
        made=sections.made(document),
        last=str(max(0, document["log"]["size"] - 1)),
    )


def embedded(value: Any) -> str:
    """Return JSON that may stand in a script element, whatever texts it holds."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    # Inside of texts only, since JSON's own marks are others.
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


def _asset(name: str) -> str:
    return files("rynxs.report").joinpath("assets", name).read_text(encoding="utf-8")


def _hashed(text: str) -> str:
    return f"'sha256-{base64.b64encode(sha256(text.encode()).digest()).decode()}'"
