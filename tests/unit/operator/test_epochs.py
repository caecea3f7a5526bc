"""A stamp of a record that the log has lost is told from one of the record in its place."""

from __future__ import annotations

import pytest

from rynxs.operator.epochs import Epochs
from rynxs.operator.reconciling import Update, work
from rynxs.operator.stamp import Stamp, stamp_of
from tests.unit.operator.rig import CONFIG, ORIGIN, SUBJECT, asked, config, manifest
from tests.unit.operator.test_reconciling import metadata


@pytest.fixture
def epochs() -> Epochs:
    """Of a log whose records from 4 on were lost, in epoch 2, and that goes on in 5 and 6."""
    made = Epochs()
    for seq, epoch in enumerate([1, 1, 1, 2, 5, 5, 6]):
        made.take(seq, epoch)
    return made


@pytest.mark.parametrize(
    ("seq", "epoch"), [(0, 1), (2, 1), (2, 6), (3, 2), (4, 5), (5, 6), (6, 6), (6, 9)]
)
def test_a_stamp_of_the_epoch_of_its_record_or_of_a_later_one_is_held(
    epochs: Epochs, seq: int, epoch: int
) -> None:
    assert epochs.hold(Stamp(ORIGIN, SUBJECT, seq, epoch, "d"))


@pytest.mark.parametrize(
    ("seq", "epoch"), [(3, 1), (4, 2), (4, 4), (6, 2), (6, 5), (7, 4), (90, 4)]
)
def test_a_stamp_of_an_epoch_before_that_of_its_record_or_of_the_last_one_is_not_held(
    epochs: Epochs, seq: int, epoch: int
) -> None:
    assert not epochs.hold(Stamp(ORIGIN, SUBJECT, seq, epoch, "d"))


def test_an_object_whose_stamp_is_of_a_lost_record_is_applied_again_though_it_is_as_asked_for(
    epochs: Epochs,
) -> None:
    before = asked(4, config(a="1"), epoch=2)
    plan = asked(5, config(a="1"), epoch=6)._replace(epochs=epochs)
    found = work(plan, {CONFIG: metadata(config(a="1"), before)})
    assert not found.drifts
    (step,) = found.steps
    assert isinstance(step, Update)
    digest = manifest(config(a="1")).digest
    assert stamp_of(step.body["metadata"]) == Stamp(ORIGIN, SUBJECT, 5, 6, digest)


def test_an_object_whose_stamp_is_of_a_record_that_is_there_is_left_alone(epochs: Epochs) -> None:
    before = asked(3, config(a="1"), epoch=2)
    plan = asked(5, config(a="1"), epoch=6)._replace(epochs=epochs)
    assert not work(plan, {CONFIG: metadata(config(a="1"), before)}).steps
