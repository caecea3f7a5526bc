"""The API reference: what stands in it, and that it is sound Markdown."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Any, Literal

import pytest
from pydantic import ConfigDict, Field, StringConstraints

from rynxs.api import Resource, SpecModel, StatusModel, rules
from rynxs.crds.reference import reference
from rynxs.fields import Quantity

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Short = Annotated[str, StringConstraints(max_length=3, pattern="^(a|b)$")]


class Part(SpecModel):
    """A part of it, of ``kind`` a|b."""

    model_config = ConfigDict(json_schema_extra=rules(("self.low < 3", "low is <3")))

    low: int = Field(1, ge=0, le=9, description="How *low*.")
    more: dict[str, Part2] = Field({}, max_length=2, description="More.")


class Part2(SpecModel):
    """A part of a part."""

    text: str = Field("a|b", min_length=1, description="Its `text|code`.")


class Spec(SpecModel):
    """``spec`` of a Sample."""

    role: Literal["one", "two"] = Field(description="Its role.")
    part: Part = Field(Part(), description="Its part.")
    other: Part = Field(Part(low=2), description="Its other part.")
    parts: list[Part] | None = Field(None, min_length=1, max_length=1, description="Its parts.")
    texts: list[Short | Literal[""]] = Field(
        [], json_schema_extra=rules(("size(self) != 3", "not three")), description="Texts."
    )
    size: Quantity | None = Field(None, description="Its size.")
    ratio: float = Field(0.5, gt=0, description="A ratio.")
    by_name: dict[Short, bool] = Field({}, description="By name.")
    level: int | None = Field(description="Perhaps.")


class Empty(SpecModel):
    """Nothing."""


def sample(**attributes: Any) -> Resource:
    base = {
        "group": "example.org",
        "kind": "Sample",
        "plural": "samples",
        "scope": "Namespaced",
        "versions": ["v1alpha1", "v1"],
        "spec": Spec,
        "short_names": ["sp"],
        "categories": ["things"],
        "name_rule": "short",
    }
    return Resource(**{**base, **attributes})


def sections(text: str) -> dict[str, str]:
    """Return the text of each section by its heading."""
    return dict(re.findall(r"^##+ (.*?)\n\n(.*?)(?=^##+ |\Z)", text, re.MULTILINE | re.DOTALL))


def rows(section: str) -> dict[str, list[str]]:
    """Return the cells of each row of a section's table by the field."""
    lines = [line for line in section.splitlines() if line.startswith("| `")]
    cells = [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]
    assert all(len(each) == 5 for each in cells), cells
    return {each[0].strip("`"): each[1:] for each in cells}


@pytest.fixture(scope="module")
def found() -> dict[str, str]:
    return sections(reference([sample()]))


def test_a_kind_is_told_in_a_line(found: Mapping[str, str]) -> None:
    assert found["Sample"].strip() == (
        "`example.org/v1alpha1` and `example.org/v1`, in a namespace; listed by "
        "`kubectl get samples`, `kubectl get sp`, `kubectl get things`. Its name: short."
    )
    cluster = sections(reference([sample(scope="Cluster")]))["Sample"]
    assert "of the whole cluster" in cluster


def test_every_object_has_a_section_where_it_stands_in_the_order_of_the_model(
    found: Mapping[str, str],
) -> None:
    assert list(found) == [
        "Sample",
        "Sample spec",
        "Sample spec.part",
        "Sample spec.part.more.*",
        "Sample spec.other",
        "Sample spec.other.more.*",
        "Sample spec.parts[]",
        "Sample spec.parts[].more.*",
        "Sample status",
        "Sample status.conditions[]",
        "Sample status.log",
    ]
    assert found["Sample spec"].startswith("`spec` of a Sample.\n\n| field | type |")
    assert found["Sample spec.part"].startswith("A part of it, of `kind` a\\|b.\n")


def test_every_field_is_a_row_with_type_default_what_is_allowed_and_meaning(
    found: Mapping[str, str],
) -> None:
    assert rows(found["Sample spec"]) == {
        "role": ["string", "*required*", "`one`, `two`", "Its role."],
        "part": ["[object](#sample-specpart)", "that of each field", "", "Its part."],
        "other": [
            "[object](#sample-specother)",
            '`{"low": 2, "more": {}}`',
            "",
            "Its other part.",
        ],
        "parts": ["list of [object](#sample-specparts)", "", "1 item", "Its parts."],
        "texts": [
            "list of string",
            "`[]`",
            r'each: at most 3 characters and `^(a\|b)$`, or `""`',
            "Texts.",
        ],
        "size": [
            "integer or string",
            "",
            (
                "at most 63 characters; "
                r"`^[0-9]{1,30}(\.[0-9]{1,30})?(m\|k\|Ki\|M\|Mi\|G\|Gi\|T\|Ti\|P\|Pi\|E\|Ei)?$`"
            ),
            "Its size.",
        ],
        "ratio": ["number", "`0.5`", "above 0", "A ratio."],
        "byName": [
            "map of boolean",
            "`{}`",
            r"names: at most 3 characters and `^(a\|b)$`",
            "By name.",
        ],
        "level": ["integer or null", "*required*", "", "Perhaps."],
    }
    assert rows(found["Sample spec.part"]) == {
        "low": ["integer", "`1`", "0 to 9", r"How \*low\*."],
        "more": ["map of [object](#sample-specpartmore)", "`{}`", "at most 2 entries", "More."],
    }
    assert rows(found["Sample spec.part.more.*"])["text"] == [
        "string",
        r'`"a\|b"`',
        "at least 1 character",
        r"Its `text\|code`.",
    ]


def test_rules_are_told_in_words_below_their_object(found: Mapping[str, str]) -> None:
    assert found["Sample spec"].endswith("\n\nRules:\n\n- `texts`: not three\n\n")
    assert found["Sample spec.parts[]"].endswith("\n\nRules:\n\n- low is \\<3\n\n")
    assert "Rules:" not in found["Sample status"]


def test_a_rule_without_a_message_is_told_as_it_is() -> None:
    class Ruled(SpecModel):
        model_config = ConfigDict(
            json_schema_extra={"x-kubernetes-validations": [{"rule": "a||b"}]}
        )

    section = sections(reference([sample(spec=Ruled)]))["Sample spec"]
    assert section == "It has no fields.\n\nRules:\n\n- `a\\|\\|b`\n\n"


def test_an_object_without_fields_says_so() -> None:
    found = sections(reference([sample(spec=Empty)]))
    assert found["Sample spec"] == "Nothing.\n\nIt has no fields.\n\n"


def anchors(text: str) -> list[str]:
    """Return the anchors of the headings, as GitHub makes them."""
    made: list[str] = []
    for heading in re.findall(r"^#+ (.*)$", text, re.MULTILINE):
        plain = "".join(each for each in heading.lower() if each.isalnum() or each in " -_")
        anchor = plain.replace(" ", "-")
        times = sum(re.fullmatch(rf"{re.escape(anchor)}(-\d+)?", each) is not None for each in made)
        made.append(f"{anchor}-{times}" if times else anchor)
    return made


class Deep(SpecModel):
    bc: Empty
    a: Empty


class Twins(SpecModel):
    """Two paths that differ by a dot only."""

    a: Deep
    ab: Deep
    abc: Empty


@pytest.mark.parametrize("models", [[Spec], [Twins], [Spec, Twins, Spec]])
def test_every_link_leads_to_the_heading_that_it_names(models: Sequence[type[SpecModel]]) -> None:
    text = reference([sample(spec=model) for model in models])
    links = re.findall(r"\]\(#(.*?)\)", text)
    assert len(set(links)) == len(links)
    # All but the title, and the spec and status of each kind.
    assert len(links) == len(anchors(text)) - 1 - 2 * len(models)
    assert set(links) <= set(anchors(text))


def test_the_reference_of_the_default_configuration_links_soundly_and_has_no_html(
    kinds: list[Resource],
) -> None:
    text = reference(kinds)
    assert set(re.findall(r"\]\(#(.*?)\)", text)) <= set(anchors(text))
    outside_code = re.sub(r"`[^`]*`", "", text)
    assert not re.search(r"(?<!\\)<", outside_code)
    for section in sections(text).values():
        rows(section)
    for kind in kinds:
        for model in (kind.spec, kind.status):
            assert issubclass(model, SpecModel | StatusModel)
            for name, info in model.model_fields.items():
                assert f"| `{info.alias or name}` |" in text
