"""The board of a team: coalesced by a clock that is passed in, repeated, silent while nobody looks."""

from __future__ import annotations

import orjson
import pytest

from coach.coaching.events import Advice, AdviceGiven, Hit
from coach.service.board import Board, topic_of
from coach.service.call_builder import CallHead
from coach.service.hub import Hub


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        """Return the time in seconds."""
        return self.now


class Ears:
    """What one supervisor of a team is told."""

    def __init__(self, hub: Hub, team: str) -> None:
        self._feed = hub.feed(topic_of(team))
        self._reader = self._feed.reader(limit=10_000)
        self._feed.readers.add(self._reader)

    def heard(self, kind: str | None = None) -> list[dict]:
        """Return what was told since the last time."""
        frames = [orjson.loads(frame) for _, frame in self._reader._frames]
        self._reader._frames.clear()
        return [frame for frame in frames if kind in {None, frame["type"]}]


@pytest.fixture
def clock():
    """A clock at 0."""
    return Clock()


@pytest.fixture
def hub():
    """A hub without a bus."""
    return Hub(keep=64)


@pytest.fixture
def board(hub, clock):
    """A board."""
    return Board(hub, clock=clock)


def head(call_id="c1", team="t1") -> CallHead:
    """A call of a team."""
    return CallHead(call_id, "a1", 0.0, {}, team, "小林")


def given(number: int) -> AdviceGiven:
    """A card of its own."""
    hit = Hit("ignorance/x", "ignorance", "换个说法", "warning", 0, 3, "不知道")
    return AdviceGiven(Advice(f"i{number}", "c1", f"u{number}", hit, "warning", (), number))


def test_a_call_is_told_at_most_four_times_a_second(board, hub, clock):
    """Twenty changes in a second are four messages, and the last of them has all."""
    ears = Ears(hub, "t1")
    with board.looked_at("t1"):
        call = board.add(head())
        for step in range(20):
            clock.now = step * 0.05
            call.note([given(step)])
            board.flush()
        clock.now = 1.3
        board.flush()
    told = ears.heard("team.call")
    assert len(told) <= 5
    assert told[-1]["counts"]["warning"] == 20


def test_alerts_do_not_wait(board, hub):
    """They are told before any flush."""
    ears = Ears(hub, "t1")
    board.add(head()).note([given(1)])
    assert [(each["id"], each["escalated"]) for each in ears.heard("alert")] == [("i1", False)]


def test_a_call_that_did_not_change_is_told_again_every_ten_seconds(board, hub, clock):
    """So that whoever missed it sees it, and whoever does not hear of it knows that it is gone."""
    ears = Ears(hub, "t1")
    with board.looked_at("t1"):
        board.add(head())
        for step in range(31 * 4):
            clock.now = step / 4
            board.flush()
    assert len(ears.heard("team.call")) == 4


def test_nothing_is_told_of_a_team_nobody_looks_at(board, hub, clock):
    """The other team's supervisor hears nothing either."""
    own, other = Ears(hub, "t1"), Ears(hub, "t2")
    board.add(head())
    with board.looked_at("t2"):
        board.flush()
    assert (own.heard(), other.heard()) == ([], [])


def test_interest_from_another_worker_has_the_calls_told_at_once_and_for_half_a_minute(board, hub, clock):
    """A supervisor there says so as long as he looks."""
    ears = Ears(hub, "t1")
    board.add(head())
    clock.now = 5.0
    board.interest("t1")
    board.flush()
    assert len(ears.heard("team.call")) == 1
    clock.now = 36.0
    board.flush()
    assert ears.heard() == []


def test_the_end_of_a_call_is_told_once(board, hub):
    """And it is on the board no more."""
    ears = Ears(hub, "t1")
    call = board.add(head())
    call.end("timeout")
    call.end("ended")
    assert [each["reason"] for each in ears.heard("team.call_gone")] == ["timeout"]
    assert board.snapshot("t1")["calls"] == []


def test_a_call_that_another_worker_has_now_leaves_without_a_word(board, hub):
    """It is that worker's to tell how it stands; a later call of the same id is not touched."""
    ears = Ears(hub, "t1")
    call = board.add(head())
    call.forget()
    assert (ears.heard(), board.snapshot("t1")["calls"]) == ([], [])
    board.add(head())
    call.forget()
    assert len(board.snapshot("t1")["calls"]) == 1


def test_a_supervisor_who_joins_is_shown_the_calls_with_their_alerts(board):
    """Oldest alert first; of one call the latest twenty."""
    call = board.add(head())
    call.note([given(number) for number in range(25)])
    snapshot = board.snapshot("t1")
    assert [each["call_id"] for each in snapshot["calls"]] == ["c1"]
    assert [each["id"] for each in snapshot["alerts"]] == [f"i{number}" for number in range(5, 25)]
