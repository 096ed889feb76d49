"""The order of one call's events, whatever the network does to them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from coach.service.sequencer import MAX_HELD, Sequencer


def run(arrivals):
    """Feed arrivals; return what came out in order, and the seqs the producer was told to resend from."""
    sequencer = Sequencer()
    out, told = [], []
    for seq in arrivals:
        verdict = sequencer.arrive(seq, f"event {seq}")
        out += verdict.ready
        told += [verdict.gap] if verdict.gap else []
    return out, told


@st.composite
def disturbed(draw):
    """A call's seqs, each at least once: some sent again, all shuffled within what may be held."""
    count = draw(st.integers(1, 40))
    extra = draw(st.lists(st.integers(1, count), max_size=40))
    return count, draw(st.permutations([*range(1, count + 1), *extra]))


@given(disturbed())
def test_any_order_and_any_duplicates_come_out_once_and_in_order(call):
    """Interleaving, resending and reordering change nothing about what comes out."""
    count, arrivals = call
    assert run(arrivals)[0] == [f"event {seq}" for seq in range(1, count + 1)]


@given(st.lists(st.integers(1, 200), max_size=300))
def test_a_producer_that_resends_from_the_gap_gets_everything_through(noise):
    """However events were lost before, resending from what is expected completes the call."""
    sequencer = Sequencer()
    out = [event for seq in noise for event in sequencer.arrive(seq, seq).ready]
    while sequencer.expected <= 200:
        out += sequencer.arrive(sequencer.expected, sequencer.expected).ready
    assert out == list(range(1, 201))


@given(st.lists(st.integers(2, 10_000), max_size=300))
def test_never_more_than_the_limit_is_held(arrivals):
    """A call whose first event never comes holds a bounded number of events."""
    sequencer = Sequencer()
    for seq in arrivals:
        sequencer.arrive(seq, seq)
    assert len(sequencer._held) <= MAX_HELD


def test_a_gap_is_told_once():
    """The producer is told of each gap once, when it opens."""
    assert run([1, 3, 4, 5]) == (["event 1"], [2])
    assert run([1, 3, 5, 2, 6]) == (["event 1", "event 2", "event 3"], [2, 4])


def test_another_connection_is_told_of_an_open_gap_again():
    """Who sends now may not be who was told."""
    sequencer = Sequencer()
    assert sequencer.arrive(3, "c").gap == 1
    sequencer.forget_telling()
    assert sequencer.arrive(4, "d").gap == 1


def test_a_refused_event_takes_up_its_place():
    """None in its place lets the next event through."""
    sequencer = Sequencer()
    assert sequencer.arrive(1, None).ready == (None,)
    assert sequencer.arrive(2, "b").ready == ("b",)


def test_a_held_refusal_gives_way_to_the_corrected_event():
    """While the place is still ahead, the right event replaces the refused one."""
    sequencer = Sequencer()
    sequencer.arrive(2, None)
    assert sequencer.arrive(2, "b").kind == "held"
    assert sequencer.arrive(1, "a").ready == ("a", "b")
