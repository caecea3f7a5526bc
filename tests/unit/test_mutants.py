"""The faults that `make mutants` puts in are still where the code is."""

from __future__ import annotations

import pytest

from tests.mutants.mutations import MUTATIONS, REPOSITORY, Mutation


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda each: each.name)
def test_a_fault_stands_in_one_place_and_changes_it(mutation: Mutation) -> None:
    text = (REPOSITORY / mutation.file).read_text()
    assert text.count(mutation.before) == 1
    assert mutation.after != mutation.before
    assert (REPOSITORY / mutation.tests).exists()
    compile(text.replace(mutation.before, mutation.after), mutation.file, "exec")
