"""Label selectors, after the API reference of LabelSelector v1 meta."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.network import NAMESPACE_NAME, Namespace, NotUnderstood
from tests.network.reading import Part
from tests.network.selectors import CONTROLLER_LABELS, LabelSelector

LABELS = st.dictionaries(st.sampled_from("abc"), st.sampled_from(["", "x", "y"]))
VALUES = st.lists(st.sampled_from(["", "x", "y"]), min_size=1, max_size=2)


def selector(value: Any) -> LabelSelector:
    return LabelSelector.of(Part(value, "selector"))


def one(key: str, operator: str, *values: str) -> LabelSelector:
    """Return the selector of one expression, with no values where there are none."""
    expression: dict[str, Any] = {"key": key, "operator": operator}
    if values:
        expression["values"] = list(values)
    return selector({"matchExpressions": [expression]})


@given(LABELS)
def test_an_empty_selector_selects_everything(labels: dict[str, str]) -> None:
    assert selector({}).matches(labels)
    assert selector({"matchLabels": {}, "matchExpressions": []}).matches(labels)
    assert selector({"matchLabels": None, "matchExpressions": None}).matches(labels)


def test_an_absent_selector_is_not_an_empty_one() -> None:
    """What it means, the field decides that it is absent from."""
    with pytest.raises(NotUnderstood, match="selector: found nothing; allowed: a mapping"):
        selector(None)


@pytest.mark.parametrize(
    ("labels", "selected"),
    [
        ({"app": "web", "tier": "front"}, True),
        ({"app": "web", "tier": "front", "more": "x"}, True),
        ({"app": "web"}, False),
        ({"app": "web", "tier": "back"}, False),
        ({}, False),
    ],
)
def test_match_labels_must_all_be_there_with_their_values(
    labels: dict[str, str], *, selected: bool
) -> None:
    wanted = {"matchLabels": {"app": "web", "tier": "front"}}
    assert selector(wanted).matches(labels) is selected


@pytest.mark.parametrize(
    ("operator", "values", "of_x", "of_z", "of_empty", "of_none"),
    [
        ("In", ["x", "y"], True, False, False, False),
        ("In", [""], False, False, True, False),
        ("NotIn", ["x", "y"], False, True, True, True),
        ("NotIn", [""], True, True, False, True),
        ("Exists", [], True, True, True, False),
        ("DoesNotExist", [], False, False, False, True),
    ],
)
def test_an_expression_looks_at_a_label(
    operator: str, values: list[str], *, of_x: bool, of_z: bool, of_empty: bool, of_none: bool
) -> None:
    """NotIn selects also what lacks the key ("Labels and Selectors", set-based requirements)."""
    chosen = one("a", operator, *values)
    assert chosen.matches({"a": "x"}) is of_x
    assert chosen.matches({"a": "z"}) is of_z
    assert chosen.matches({"a": ""}) is of_empty
    assert chosen.matches({"b": "x"}) is of_none


def test_labels_and_expressions_must_all_match() -> None:
    exists = {"key": "tier", "operator": "Exists"}
    chosen = selector({"matchLabels": {"app": "web"}, "matchExpressions": [exists]})
    assert chosen.matches({"app": "web", "tier": "front"})
    assert not chosen.matches({"app": "web"})
    assert not chosen.matches({"tier": "front"})


def test_two_expressions_on_one_key_must_both_match() -> None:
    exists = {"key": "a", "operator": "Exists"}
    not_x = {"key": "a", "operator": "NotIn", "values": ["x"]}
    chosen = selector({"matchExpressions": [exists, not_x]})
    assert [chosen.matches(each) for each in ({}, {"a": "x"}, {"a": "y"})] == [False, False, True]


@given(LABELS, st.sampled_from("abc"), VALUES)
def test_not_in_is_the_opposite_of_in_and_does_not_exist_of_exists(
    labels: dict[str, str], key: str, values: list[str]
) -> None:
    assert one(key, "NotIn", *values).matches(labels) is not one(key, "In", *values).matches(labels)
    assert one(key, "DoesNotExist").matches(labels) is not one(key, "Exists").matches(labels)


@given(LABELS, LABELS)
def test_match_labels_are_expressions_with_one_value(
    wanted: dict[str, str], labels: dict[str, str]
) -> None:
    expressions = [
        {"key": key, "operator": "In", "values": [value]} for key, value in wanted.items()
    ]
    by_labels, by_expressions = selector({"matchLabels": wanted}), {"matchExpressions": expressions}
    assert by_labels.matches(labels) is selector(by_expressions).matches(labels)
    assert by_labels.matches(labels) is (wanted.items() <= labels.items())


@pytest.mark.parametrize("key", ["a" * 63, "example.org/a_b.c-d", f"{'d' * 253}/a"])
def test_keys_may_have_a_prefix(key: str) -> None:
    assert selector({"matchLabels": {key: "x"}}).matches({key: "x"})


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ([], "selector: found .*; allowed: a mapping"),
        ({"matchLabel": {"a": "x"}}, "unknown field 'matchLabel'; allowed: matchLabels"),
        ({"matchLabels": ["a"]}, "selector.matchLabels: .* a mapping"),
        ({"matchLabels": {"a": True}}, r"matchLabels\.a: found True; allowed: a text"),
        ({"matchLabels": {"a": None}}, r"matchLabels\.a: found nothing; allowed: a text"),
        ({"matchLabels": {1: "x"}}, "matchLabels: found 1; allowed: a text"),
        ({"matchLabels": {"a": "x" * 64}}, "up to 63"),
        ({"matchLabels": {"a": "x-"}}, "up to 63"),
        ({"matchLabels": {"a": "x\n"}}, "up to 63"),
        ({"matchLabels": {"": "x"}}, "label keys"),
        ({"matchLabels": {"a" * 64: "x"}}, "label keys"),
        ({"matchLabels": {"a/b/c": "x"}}, "label keys"),
        ({"matchLabels": {"Example.org/b": "x"}}, "label keys"),
        ({"matchLabels": {"a..b/c": "x"}}, "label keys"),
        ({"matchLabels": {f"{'d' * 254}/a": "x"}}, "label keys"),
        ({"matchExpressions": {"key": "a"}}, "matchExpressions: .* a list"),
        ({"matchExpressions": [None]}, r"matchExpressions\[0\]: found nothing"),
        ({"matchExpressions": [{"operator": "Exists"}]}, r"\[0\]\.key: found nothing"),
        ({"matchExpressions": [{"key": "a"}]}, r"\[0\]\.operator: found nothing; .* In, NotIn"),
    ],
)
def test_what_is_no_selector_is_refused(wrong: Any, says: str) -> None:
    with pytest.raises(NotUnderstood, match=says):
        selector(wrong)


@pytest.mark.parametrize("operator", ["in", "Equals", "Gt", "Lt", "", 1])
def test_an_unknown_operator_is_refused(operator: Any) -> None:
    """Gt and Lt exist for nodes only."""
    with pytest.raises(NotUnderstood, match="allowed: In, NotIn, Exists, DoesNotExist"):
        one("a", operator, "1")


@pytest.mark.parametrize(
    ("operator", "values", "says"),
    [
        ("In", [], "some values with In"),
        ("NotIn", [], "some values with NotIn"),
        ("Exists", ["x"], "no values with Exists"),
        ("DoesNotExist", ["x"], "no values with DoesNotExist"),
        ("In", ["not a value"], "what matches"),
    ],
)
def test_an_operator_has_the_values_that_it_needs(
    operator: str, values: list[str], says: str
) -> None:
    with pytest.raises(NotUnderstood, match=says):
        one("a", operator, *values)


@pytest.mark.parametrize("key", sorted(CONTROLLER_LABELS))
def test_pods_are_not_selected_by_what_only_the_cluster_knows(key: str) -> None:
    with pytest.raises(NotUnderstood, match=key):
        LabelSelector.of_pods(Part({"matchLabels": {key: "x"}}, "podSelector"))


class TestNamespaces:
    """`kubernetes.io/metadata.name` is on every namespace, since Kubernetes 1.22."""

    def test_have_the_label_with_their_name(self) -> None:
        for labels in ({}, None, {"team": "x"}):
            assert Namespace("blue", labels).matches(LabelSelector.label(NAMESPACE_NAME, "blue"))
            assert not Namespace("blue", labels).matches(
                LabelSelector.label(NAMESPACE_NAME, "green")
            )

    def test_cannot_have_the_name_of_another(self) -> None:
        false = Namespace("blue", {NAMESPACE_NAME: "green"})
        assert false.matches(LabelSelector.label(NAMESPACE_NAME, "blue"))
        assert not false.matches(LabelSelector.label(NAMESPACE_NAME, "green"))

    def test_have_the_labels_that_they_were_given(self) -> None:
        assert Namespace("blue", {"team": "x"}).matches(LabelSelector.label("team", "x"))
        assert not Namespace("blue", {}).matches(LabelSelector.label("team", "x"))

    def test_of_which_only_the_name_is_known_are_not_asked_for_more(self) -> None:
        assert Namespace("blue").matches(LabelSelector())
        with pytest.raises(NotUnderstood, match=r"namespace blue: .* team"):
            Namespace("blue").matches(LabelSelector.label("team", "x"))
