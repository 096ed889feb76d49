"""Counts that add up in any order."""

from __future__ import annotations

from collections import Counter

from coach.review.tally import Tally


def test_a_tally_survives_its_file() -> None:
    """What a part says of itself is read again the same."""
    tally = Tally(index=3, size=10, calls=2, points=19_250, rules=Counter({"a/b": 2}))
    assert Tally.from_dict(tally.as_dict()) == tally


def test_the_order_of_adding_cannot_be_seen() -> None:
    """Workers finish in any order; the summary is the same."""
    parts = [
        Tally(calls=number, points=number * 33, rules=Counter({f"r/{number % 3}": number}))
        for number in range(1, 9)
    ]
    forward, backward = Tally(), Tally()
    for part in parts:
        forward.add(part)
    for part in reversed(parts):
        backward.add(part)
    assert list(forward.as_dict()["rules"].items()) == list(backward.as_dict()["rules"].items())
    assert forward.as_dict() == backward.as_dict()


def test_the_mean_of_nothing_is_unknown() -> None:
    """No calls, no mean; not zero."""
    assert Tally().mean(0) is None
