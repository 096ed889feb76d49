"""What is kept of a call until it is on disk."""

from __future__ import annotations

import pytest

from coach.service.messages import read_producer_event
from coach.service.pending import Pending


@pytest.fixture
def heard(wire):
    """Events as they were taken in: `heard(seq, utterance_id, revision, final)`."""

    def make(seq, utterance_id="u", revision=1, *, final=False):
        text = f"第{revision}次"
        message = wire.said(text, seq=seq, utterance_id=utterance_id, revision=revision, final=final)
        return read_producer_event(message)

    return make


def kept(pending, committed=0, *, before):
    """Say which revision of which utterance is kept under each seq."""
    found = pending.since(committed, before=before)
    return [(seq, event and (event.utterance_id, event.revision)) for seq, event in found]


def test_of_an_utterance_the_last_revision_is_kept(heard):
    """Those before it keep their places only."""
    pending = Pending()
    for seq in (1, 2, 3):
        pending.add(seq, heard(seq, revision=seq))
    pending.add(4, heard(4, "v"))
    assert kept(pending, before=5) == [(1, None), (2, None), (3, ("u", 3)), (4, ("v", 1))]
    assert len(pending) == 2


def test_a_final_takes_the_place_of_its_partials(heard):
    """And is kept until it is on disk, whatever comes after it."""
    pending = Pending()
    pending.add(1, heard(1, revision=1))
    pending.add(2, heard(2, revision=2, final=True))
    pending.add(3, heard(3, revision=3))
    assert kept(pending, before=4) == [(1, None), (2, ("u", 2)), (3, ("u", 3))]


def test_an_outdated_partial_is_not_kept(heard):
    """A revision that was overtaken does not replace the newer one."""
    pending = Pending()
    pending.add(1, heard(1, revision=2))
    pending.add(2, heard(2, revision=1))
    assert kept(pending, before=3) == [(1, ("u", 2)), (2, None)]


def test_what_is_on_disk_is_dropped(heard):
    """Up to the seq that was committed; the words that still grow go on."""
    pending = Pending()
    pending.add(1, heard(1, "u", 1))
    pending.add(2, heard(2, "v", 1, final=True))
    pending.forget(2)
    assert len(pending) == 0
    pending.add(3, heard(3, "u", 2))
    assert kept(pending, 2, before=4) == [(3, ("u", 2))]


def test_a_late_final_is_kept_with_the_rest(heard):
    """A corrected frame takes a place that has passed already."""
    pending = Pending()
    pending.add(5, heard(5, "v"))
    pending.add(2, heard(2, "u", final=True))
    assert kept(pending, 4, before=6) == [(2, ("u", 1)), (5, ("v", 1))]
