"""What a producer keeps until it was confirmed."""

from __future__ import annotations

import pytest

from coach.client.errors import RefusedError
from coach.client.window import Window


def talking(*, size: int = 1000, call_id: str = "c1") -> Window:
    """A window with one call under way."""
    window = Window(size=size)
    window.start(call_id, agent_id="a1")
    return window


def said(window: Window, utterance_id: str, *, call_id: str = "c1", final: bool = True) -> int:
    """Add one utterance."""
    return window.utterance(call_id, utterance_id, "好", speaker="agent", start_ms=0, end_ms=1, final=final)


def seqs(window: Window, **options) -> list[int]:
    """Take what is to be sent now."""
    return [event["seq"] for event in window.take(**options)]


def ack(seq: int, call_id: str = "c1") -> dict:
    """An ack."""
    return {"type": "ack", "call_id": call_id, "seq": seq}


def error(code: str, *, seq: int | None = None, call_id: str | None = "c1", **fields) -> dict:
    """An error."""
    return {
        "type": "error",
        "code": code,
        "message": "…",
        "field": None,
        "call_id": call_id,
        "seq": seq,
        **fields,
    }


def test_events_are_numbered_by_call_and_taken_once():
    """Each call counts from 1; what was taken is not taken again by itself."""
    window = talking()
    window.start("c2", agent_id="a2")
    assert said(window, "u1") == 2
    assert said(window, "u1", call_id="c2") == 2
    assert [(event["call_id"], event["seq"]) for event in window.take()] == [
        ("c1", 1), ("c1", 2), ("c2", 1), ("c2", 2),
    ]  # fmt: skip
    assert window.take() == []


def test_an_ack_covers_everything_before_it():
    """Partials before the final need no ack of their own."""
    window = talking()
    said(window, "u1", final=False)
    said(window, "u1")
    assert len(window) == 2
    window.receive(ack(3))
    assert len(window) == 0
    window.resend()
    assert window.take() == []


def test_revisions_rise_within_an_utterance():
    """Each result of one utterance is one higher; the next utterance begins anew."""
    window = talking()
    said(window, "u1", final=False)
    said(window, "u1")
    said(window, "u2")
    assert [event.get("revision") for event in window.take()] == [None, 1, 2, 1]


def test_a_lost_connection_sends_what_was_not_acked_again():
    """Acked events stay behind, partials come along: without them there would be a gap."""
    window = talking()
    said(window, "u1", final=False)
    said(window, "u1")
    assert seqs(window) == [1, 2, 3]
    window.receive(ack(1))
    window.resend()
    assert seqs(window) == [2, 3]


def test_a_gap_is_filled_from_where_it_begins():
    """Only what is missing and what follows goes out."""
    window = talking()
    for each in ("u1", "u2", "u3"):
        said(window, each)
    window.take()
    window.receive(error("gap", seq=4, expected=3))
    assert seqs(window) == [3, 4]


def test_busy_sends_the_call_again_and_only_that_call():
    """Another call is not held up."""
    window = talking()
    window.start("c2", agent_id="a2")
    window.take()
    window.receive(error("busy", seq=1))
    assert [event["call_id"] for event in window.take()] == ["c1"]


def test_only_events_that_are_acked_count_against_the_bound():
    """Partials alone could otherwise fill the window for ever."""
    window = talking(size=2)
    for _ in range(10):
        said(window, "u1", final=False)
    assert not window.full
    said(window, "u1")
    assert window.full
    window.receive(ack(12))
    assert not window.full


def test_a_refused_event_is_not_waited_for_but_kept_for_the_numbering():
    """A restarted service wants its place filled again; nobody waits for its ack."""
    window = talking()
    said(window, "u1")
    window.take()
    window.receive(ack(1))
    window.receive(error("invalid_field", seq=2))
    assert len(window) == 0
    assert [each.code for each in window.refusals] == ["invalid_field"]
    window.resend()
    assert seqs(window) == [2]


def test_a_call_that_is_over_and_confirmed_is_forgotten():
    """Memory does not grow with the calls of a day."""
    window = talking()
    window.end("c1", at_ms=1)
    window.take()
    window.receive(ack(2))
    assert not window.knows("c1")
    with pytest.raises(RefusedError, match="unknown_call"):
        said(window, "u1")


def test_a_call_whose_end_was_refused_is_forgotten_too():
    """Nothing of it will be confirmed any more."""
    window = talking()
    window.end("c1", at_ms=1)
    window.take()
    window.receive(error("not_allowed", seq=1))
    window.receive(error("unknown_call", seq=2))
    assert not window.knows("c1")
    assert len(window) == 0


def test_one_call_can_be_taken_alone():
    """Requests over HTTP carry one call."""
    window = talking()
    window.start("c2", agent_id="a2")
    assert [event["call_id"] for event in window.take(call_id="c2")] == ["c2"]
    assert window.take(call_id="c2") == []
    assert window.due


@pytest.mark.parametrize("utterance_id", ["", "a b", "a/b", "x" * 129])
def test_an_id_that_the_service_could_not_read_is_refused_here(utterance_id):
    """It would leave a hole that nothing could fill."""
    with pytest.raises(RefusedError, match="utterance_id"):
        said(talking(), utterance_id)


def test_a_text_that_is_too_long_is_refused_here():
    """The frame might be too large to be read at all."""
    window = talking()
    with pytest.raises(RefusedError, match="2001"):
        window.utterance("c1", "u1", "字" * 2001, speaker="agent", start_ms=0, end_ms=1)
    assert window.end("c1", at_ms=1) == 2


def test_nothing_follows_the_end_of_a_call():
    """The mistake is told where it was made."""
    window = talking()
    window.end("c1", at_ms=1)
    with pytest.raises(RefusedError, match="call_ended"):
        said(window, "u1")
