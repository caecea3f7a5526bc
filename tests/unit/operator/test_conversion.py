"""Turning what was made into what was applied."""

from __future__ import annotations

from typing import Any

from rynxs.operator.conversion import as_applied, as_taken


def entry(manager: str, operation: str, fields: Any, **more: str) -> dict[str, Any]:
    return {"manager": manager, "operation": operation, "fieldsV1": fields, **more}


OTHER = entry("kubectl-edit", "Update", {"f:spec": {"f:replicas": {}}})
STATUS = entry("rynxs", "Update", {"f:status": {}}, subresource="status")


def test_what_was_made_becomes_applied_and_the_rest_stays() -> None:
    made = entry("rynxs", "Update", {"f:data": {"f:a": {}}}, apiVersion="v1", time="t")
    assert as_applied([OTHER, made, STATUS], "rynxs") == [
        {**made, "operation": "Apply"},
        OTHER,
        STATUS,
    ]


def test_what_was_made_and_what_was_applied_become_one() -> None:
    made = entry("rynxs", "Update", {"f:data": {".": {}, "f:a": {}}})
    applied = entry("rynxs", "Apply", {"f:data": {"f:b": {}}, "f:metadata": {}})
    fields: dict[str, Any] = {"f:data": {".": {}, "f:a": {}, "f:b": {}}, "f:metadata": {}}
    for entries in ([made, applied], [applied, made]):
        assert as_applied(entries, "rynxs") == [entry("rynxs", "Apply", fields)]


def test_what_is_applied_already_is_left_alone() -> None:
    applied = entry("rynxs", "Apply", {"f:data": {}})
    for entries in ([applied, OTHER, STATUS], [OTHER], []):
        assert as_applied(entries, "rynxs") is None


def test_all_that_anybody_owns_is_taken_but_what_is_of_a_subresource() -> None:
    applied = entry("rynxs", "Apply", {"f:data": {"f:a": {}}})
    other = entry("kubectl-edit", "Update", {"f:data": {"f:b": {}}})
    scale = entry("kubectl", "Update", {"f:spec": {}}, subresource="scale")
    fields: dict[str, Any] = {"f:data": {"f:a": {}, "f:b": {}}}
    taken = [entry("rynxs", "Apply", fields), STATUS, scale]
    assert as_taken([applied, STATUS, other, scale], "rynxs", "ConfigMap") == taken
    assert as_taken([other, STATUS, scale, applied], "rynxs", "ConfigMap") == taken


def test_what_is_others_by_its_nature_is_not_taken() -> None:
    applied = entry("rynxs", "Apply", {"f:spec": {"f:resources": {}}})
    bound: dict[str, Any] = {
        "f:metadata": {"f:labels": {".": {}, "f:a": {}}},
        "f:spec": {"f:volumeName": {}},
    }
    binder = entry("binder", "Update", {**bound, "f:spec": {**bound["f:spec"], "f:more": {}}})
    fields: dict[str, Any] = {"f:spec": {"f:more": {}, "f:resources": {}}}
    assert as_taken([binder, applied], "rynxs", "PersistentVolumeClaim") == [
        entry("rynxs", "Apply", fields),
        entry("binder", "Update", bound),
    ]


def test_a_list_that_was_made_and_whose_elements_are_all_of_others_is_not_applied() -> None:
    made = entry("rynxs", "Update", {"f:metadata": {"f:labels": {}, "f:ownerReferences": {}}})
    theirs: dict[str, Any] = {"f:ownerReferences": {'k:{"uid":"u"}': {}}, "f:labels": {}}
    other = entry("kubectl-patch", "Update", {"f:metadata": theirs})
    assert as_applied([made, other], "rynxs") == [
        entry("rynxs", "Apply", {"f:metadata": {"f:labels": {}}}),
        other,
    ]
