from __future__ import annotations

import base64
import json
import re
from hashlib import sha256
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any

import pytest

from rynxs.engine.observation import Actor
from rynxs.report.markdown import markdown
from rynxs.report.packing import exact, packed
from rynxs.report.page import embedded, page

if TYPE_CHECKING:
    from tests.unit.report.conftest import Kit

HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(2)>&\u2028\"'`${x}"


class Elements(HTMLParser):
    """Collects the elements of a page, and the texts of its scripts and styles."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.names: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.texts: dict[str, list[str]] = {"script": [], "style": []}
        self._open = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.append(tag)
        self.attributes += attrs
        self._open = tag
        if tag in self.texts:
            self.texts[tag].append("")

    def handle_endtag(self, tag: str) -> None:
        self._open = ""

    def handle_data(self, data: str) -> None:
        if self._open in self.texts:
            self.texts[self._open][-1] += data


def hostile(kit: Kit) -> dict[str, Any]:
    story = kit.story()
    story.note("one", text=HOSTILE, tags=[HOSTILE])
    story.emit(
        "ApplyFailed", "example.org/Note/default/one", {"id": "x", "reason": HOSTILE, HOSTILE: 1}, 2
    )
    return kit.document(kit.timeline(story), origin=HOSTILE)


def test_texts_of_the_log_make_no_element_of_the_page(kit: Kit) -> None:
    plain = kit.story()
    plain.note("one", text="plain", tags=["plain"])
    plain.emit(
        "ApplyFailed", "example.org/Note/default/one", {"id": "x", "reason": "plain", "y": 1}, 2
    )
    expected = Elements(page(kit.document(kit.timeline(plain))))
    found = Elements(page(hostile(kit)))
    assert found.names == expected.names
    assert not [name for name, _ in found.attributes if name.startswith("on")]


def test_what_acts_unseen_is_shown_as_an_escape(kit: Kit) -> None:
    story = kit.story()
    acting = "a\u202eb\x1bc\u2028d\x00e"
    story.note("one", text=acting, tags=[acting])
    story.emit("ApplyFailed", "example.org/Note/default/one", {"id": "x", "reason": acting}, 2)
    made = page(kit.document(kit.timeline(story), origin=acting))
    assert all(character.isprintable() or character in "\n\t" for character in made)
    assert r"a\u202eb\x1bc\u2028d\x00e" in made


def test_the_policy_allows_just_the_pages_own_script_and_style(kit: Kit) -> None:
    found = Elements(page(hostile(kit)))
    policy = next(
        value for name, value in found.attributes if name == "content" and value and "src" in value
    )
    data, script = found.texts["script"]
    (style,) = found.texts["style"]
    hashes = [base64.b64encode(sha256(text.encode()).digest()).decode() for text in (script, style)]
    assert re.findall(r"'sha256-([^']+)'", policy) == hashes
    assert policy.startswith("default-src 'none'; ")
    assert "unsafe" not in policy
    assert json.loads(data)["subjects"] == ["", "example.org/Note/default/one"]


def test_nothing_is_loaded_and_nothing_is_styled_in_place(kit: Kit) -> None:
    found = Elements(page(hostile(kit)))
    assert not {"link", "img", "iframe", "object", "embed", "form"} & {*found.names}
    names = {name for name, _ in found.attributes}
    assert not {"src", "style", "action"} & names
    targets = [value for name, value in found.attributes if name == "href"]
    assert all(target and target.startswith("#") for target in targets)


def test_the_same_document_gives_the_same_bytes(kit: Kit) -> None:
    assert page(hostile(kit)) == page(hostile(kit))
    assert markdown(hostile(kit)) == markdown(hostile(kit))


def test_an_empty_log_has_a_page_and_a_text(kit: Kit) -> None:
    assert "The log holds no records." in page(kit.document([], origin=""))
    assert "an empty log" in markdown(kit.document([], origin=""))


def test_markdown_says_who_asked_and_what_is_known_of_them(kit: Kit) -> None:
    story = kit.story()
    story.note("one", Actor("bob", True, ("a", "b"), "r"), text="a")
    story.note("one", Actor("ann"), text="b")
    text = markdown(kit.document(kit.timeline(story)))
    assert r"by bob \(authenticated; groups a, b; request r\)" in text
    assert r"by ann \(not authenticated\)" in text


def test_texts_of_the_log_are_no_markup_in_markdown(kit: Kit) -> None:
    text = markdown(hostile(kit))
    assert not re.search(r"(?<!\\)<", text)
    assert "\u2028" not in text


def test_embedded_json_reads_back_and_holds_no_mark_of_html() -> None:
    value = {HOSTILE: [HOSTILE, 1.0, None]}
    text = embedded(value)
    assert json.loads(text) == value
    assert not {"<", ">", "&", "\u2028"} & {*text}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (1, 1),
        (True, True),
        (2**53 - 1, 2**53 - 1),
        (2**53, {"$number": "9007199254740992"}),
        (-(2**63), {"$number": "-9223372036854775808"}),
        (1.0, {"$number": "1.0"}),
        (-0.0, {"$number": "-0.0"}),
        ({"$number": "1"}, {"$$number": "1"}),
        ({"$$a": [{"$b": None}]}, {"$$$a": [{"$$b": None}]}),
    ],
)
def test_numbers_that_a_browser_would_round_are_packed_as_text(value: Any, expected: Any) -> None:
    assert exact(value) == expected
    assert type(exact(value)) is type(expected)


def test_packed_columns_hold_an_entry_for_every_event(kit: Kit) -> None:
    document = hostile(kit)
    columns = packed(document)
    size = document["log"]["size"]
    for name in ("time", "epoch", "kind", "title", "subject", "cause", "actor", "changes"):
        assert len(columns[name]) == size, name
    assert columns["time"][1:] == [""] * (size - 1)
    assert columns["cause"] == [0, 0, 1, 1]
