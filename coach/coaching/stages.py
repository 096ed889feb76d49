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

    Attributes:
        active: there is something to calm; until then the steps are not asked for.
    """

    def __init__(self) -> None:
        self._seen: set[Stage] = set()
        self.active = False

    def begin(self) -> None:
        """The customer complains: what was said before, such as the greeting's thanks, was no step."""
        if not self.active:
            self.active = True
            self._seen.clear()

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
    def current(self) -> Stage | None:
        """The furthest stage seen; None before the first."""
        return self.seen[-1] if self._seen else None

    @property
    def next(self) -> Stage | None:
        """The first stage not seen yet; None when all were."""
        return next((stage for stage in STAGES if stage not in self._seen), None)
