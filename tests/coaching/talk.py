"""Calls written in a few lines, and what is found in them."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from coach import shipped
from coach.coaching.events import Utterance
from coach.coaching.moments import Moments
from coach.coaching.signals import SignalFinder
from coach.rulebook.book import Rulebook, load_rulebook

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from coach.coaching.moment import Moment, MomentSettings

GREETING = "坐席：您好，晨光银行客服，工号8602，请问有什么可以帮您？"
CLOSING = "坐席：请问还有其他可以帮您的吗？感谢您的来电，再见。"
_SPEAKERS = {"坐席": "agent", "客户": "customer", "？": "unknown"}
# Ordinary speech, in Han characters a minute.
_RATE = 220


@cache
def book() -> Rulebook:
    """Return the shipped rule book; its examples are run elsewhere."""
    return load_rulebook(
        rules_dir=shipped.rules_dir(), phrasebook_dir=shipped.phrasebook_dir(), check_examples=False
    )


@cache
def finder() -> SignalFinder:
    """Return a signal finder over the shipped rules."""
    return SignalFinder(book())


def spoken(script: str | Iterable[str], *, timed: bool = True) -> list[Utterance]:
    """Read a call.

    A line is `坐席：…` or `客户：…`, after it optionally `+12` (seconds of silence before it), `@3` (it begins
    3 s before the last one ends) or `/5` (it takes 5 s).
    """
    utterances: list[Utterance] = []
    clock = 500
    lines = script.strip().splitlines() if isinstance(script, str) else list(script)
    for index, line in enumerate(lines):
        who, _, rest = line.strip().partition("：")
        text, *marks = rest.split(" ")
        start, length = clock + 500, max(600, len(text) * 60_000 // _RATE)
        for mark in marks:
            amount = int(float(mark[1:]) * 1000)
            if mark[0] == "+":
                start = clock + amount
            elif mark[0] == "@":
                start = clock - amount
            elif mark[0] == "/":
                length = amount
        end = start + length
        clock = max(clock, end)
        times = (start, end) if timed else (0, 0)
        utterances.append(
            Utterance(
                "c", f"u{index}", 1, _SPEAKERS[who], text, final=True, start_ms=times[0], end_ms=times[1]
            )  # type: ignore[arg-type]
        )
    return utterances


def moments_of(
    utterances: Iterable[Utterance],
    *,
    settings: MomentSettings | None = None,
    started_at: datetime | None = None,
    org: str = "",
) -> list[Moment]:
    """Hear a whole call."""
    moments = Moments(finder(), settings=settings, started_at=started_at, org=org)
    found = [moment for utterance in utterances for moment in moments.hear(utterance)]
    return found + moments.end()


def found(script: str | Iterable[str], kind: str, **options: object) -> list[Moment]:
    """Return the moments of one kind."""
    return [moment for moment in moments_of(spoken(script), **options) if moment.kind == kind]  # type: ignore[arg-type]
