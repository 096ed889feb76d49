"""The load test's own eyes: what is lost, doubled or out of order does not escape it."""

from __future__ import annotations

import itertools
import time

import orjson
import pytest

from benchmarks.load import Phase
from benchmarks.load_calls import scripts
from benchmarks.load_ends import Seen, Sidebar, Tally


@pytest.fixture
def page():
    """A sidebar that is not connected, with a call of three finals that were sent and acked."""
    tally = Tally()
    seen = Seen("c1", "a1", finals=["u0", "u1", "u2"], acked=4, last_seq=4)
    seen.sent = {f"u{turn}": {1: time.perf_counter(), 2: time.perf_counter()} for turn in range(3)}
    tally.calls["c1"] = seen
    sidebar = Sidebar(server=None, tally=tally, agent_id="a1")
    sidebar.current = seen
    return sidebar


@pytest.fixture
def told(page):
    """Give the page messages, each with the next offset unless it has one; returns the tally."""
    number = 0

    def tell(*messages):
        nonlocal number
        for message in messages:
            number += 1
            page.received(orjson.dumps({"offset": f"1700000000000-{number}", "call_id": "c1", **message}))
        return page._tally

    return tell


def said(turn, revision=2, *, final=True):
    """A transcript message."""
    return {"type": "transcript", "utterance_id": f"u{turn}", "revision": revision, "final": final}


def judged(tally):
    """What a phase makes of it, with a store that was found in order."""
    return Phase("p", tally, stored={"finals not stored": 0}).lost


def test_a_call_that_came_whole_has_no_fault(told):
    """Partials joined with their finals are no loss."""
    tally = told(said(0, 1, final=False), said(0), said(1), said(2))
    assert (tally.twice, tally.disorder, tally.went_back, tally.delivered, tally.joined) == (0, 0, 0, 4, 2)
    assert not any(judged(tally).values())


def test_a_final_that_never_came_is_found(told):
    """It was sent and acked, and the page does not have it."""
    assert judged(told(said(0), said(2)))["finals not shown"] == 1


def test_an_event_without_ack_is_found(told, page):
    """Also when the page has everything."""
    page.current.last_seq = 6
    assert judged(told(said(0), said(1), said(2)))["events without ack"] == 2


def test_a_final_that_came_twice_is_found(told):
    """Even though a page that goes by ids would not show it twice."""
    assert told(said(0), said(1), said(1), said(2)).twice == 1


def test_finals_in_the_wrong_order_are_found(told):
    """By the order in which they were sent."""
    assert told(said(1), said(0), said(2)).disorder == 1


def test_offsets_that_do_not_rise_are_found(told):
    """Whatever they belong to."""
    late = {**said(1), "offset": "1699999999999-9"}
    assert told(said(0), late).disorder == 1


def test_partials_heard_again_are_told_apart(told):
    """A text that shrinks is a flicker after a kill, not a disorder; after its final it would be one."""
    tally = told(said(0, 2, final=False), said(0, 1, final=False))
    assert (tally.went_back, tally.disorder) == (1, 0)
    assert told(said(0), said(0, 1, final=False)).disorder == 1


def test_a_snapshot_makes_good_what_was_missed(told):
    """What it shows counts as shown, and what comes after it is not twice."""
    held = [{"utterance_id": f"u{turn}", "revision": 2, "final": True} for turn in range(2)]
    call = {"call_id": "c1", "transcript": held, "advice": [{"id": "x"}], "resolved": []}
    tally = told(said(0), {"type": "snapshot", "call": call}, said(2))
    assert tally.twice == 0
    assert not any(judged(tally).values())
    assert tally.calls["c1"].cards == {"x"}


def test_calls_grow_by_a_character_and_end_with_their_final():
    """Five times a second while somebody speaks, one utterance complete before its final."""
    script = scripts(1, per_second=5)[0]
    first = [each for each in script.results if each.turn == 0]
    assert [each.revision for each in first] == list(range(1, len(first) + 1))
    steps = {later.at_ms - each.at_ms for each, later in itertools.pairwise(first[:-1])}
    assert steps == {200}
    assert [each.final for each in first] == [False] * (len(first) - 1) + [True]
    assert first[-1].text.startswith(first[-2].text)
    times = [each.at_ms for each in script.results]
    assert times == sorted(times)
    assert script.ends_ms > times[-1]
