"""The stage strip of a complaint: 稳 → 问 → 动 → 传 → 换, which were seen and which comes next."""

from __future__ import annotations

from typing import Literal

from coach.coaching import lexicon
from coach.coaching.deadline import find_deadlines

Stage = Literal["稳", "问", "动", "传", "换"]
STAGES: tuple[Stage, ...] = ("稳", "问", "动", "传", "换")


class StageStrip:
    """Follows what the agent has done for a customer who complains.

    稳: empathy. 问: the wish confirmed. 动: an offer with a time. 传: a superior brought in. 换: thanks.
    """

    def __init__(self) -> None:
        self._seen: set[Stage] = set()

    def hear(self, text: str) -> None:
        """Take in one agent turn, folded."""
        if lexicon.EMPATHY.search(text):
            self._seen.add("稳")
        if lexicon.CONFIRM.search(text):
            self._seen.add("问")
        if lexicon.OFFER.search(text) and find_deadlines(text, said_ms=0):
            self._seen.add("动")
        if lexicon.SUPERVISOR.search(text) and lexicon.OFFER.search(text):
            self._seen.add("传")
        if lexicon.THANKS.search(text):
            self._seen.add("换")

    @property
    def seen(self) -> tuple[Stage, ...]:
        """The stages seen so far, in their order."""
        return tuple(stage for stage in STAGES if stage in self._seen)

    @property
    def next(self) -> Stage | None:
        """The first stage not seen yet; None when all were."""
        return next((stage for stage in STAGES if stage not in self._seen), None)
