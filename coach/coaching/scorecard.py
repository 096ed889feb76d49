"""What a call is worth: points lost and won, each with the hits and moments it is for.

Pure. `scorecard_file` reads the cards of rules/scorecards/.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ScoreItem:
    """One line of a call's score.

    Attributes:
        item: key of the line in the scorecard.
        points: won (positive) or lost (negative), after all caps.
        count: how often it happened.
        hits: indexes of the hits it is for.
        moments: indexes of the moments it is for.
    """

    item: str
    title: str
    points: float
    count: int
    hits: tuple[int, ...] = ()
    moments: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class CallScore:
    """The score of one call.

    Attributes:
        points: from 0 to the points of the card.
        passed: the pass mark was reached and nothing fatal happened.
        fatal: key of the item that alone fails the call, None without one.
    """

    points: float
    passed: bool
    fatal: str | None
    items: tuple[ScoreItem, ...]
