"""Watches whether the agent says what the rule packs ask for: recording notice, cooling-off period, who is calling."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from coach.coaching.moment import Moment
from coach.coaching.progress import MustSay
from coach.rulebook.matcher import Matcher

if TYPE_CHECKING:
    from collections.abc import Iterator

    from coach.coaching.events import Speaker, Utterance
    from coach.coaching.moment import Detail, Turn
    from coach.rulebook.book import Rulebook
    from coach.rulebook.must_say import MustSayRule


class MustSayFinder:
    """Finds must-says in final words, with the declarations of one rule book; shared by its calls."""

    def __init__(self, rulebook: Rulebook) -> None:
        self.must_says: tuple[MustSayRule, ...] = rulebook.must_says
        rules = [rule for each in self.must_says for rule in each.rules]
        self._matcher = Matcher(rules, modifiers=(), tokenizer=rulebook.tokenizer) if rules else None

    def compile(self) -> Iterator[None]:
        """Compile the patterns ahead, as `Matcher.compile` does."""
        return iter(()) if self._matcher is None else self._matcher.compile()

    def find(self, text: str, speaker: Speaker) -> frozenset[str]:
        """Return the ids of the quiet rules that hit: what was said, and what is asked for by it."""
        if self._matcher is None or self._matcher.quiet(text):
            return frozenset()
        return frozenset(
            trace.rule.id
            for trace in self._matcher.find(text).traces
            if trace.is_hit and trace.rule.speaker in (speaker, "any")
        )


@dataclass(slots=True)
class _Open:
    """One must-say of one call; times in ms from its start, None while it has not come to that."""

    rule: MustSayRule
    asked_ms: int | None
    said_ms: int | None = None

    @property
    def due_ms(self) -> int | None:
        within = self.rule.within_ms
        return None if within is None or self.asked_ms is None else self.asked_ms + within

    @property
    def is_late(self) -> bool:
        return self.due_ms is not None and self.said_ms is not None and self.said_ms > self.due_ms


class MustSays:
    """The must-says of one call."""

    def __init__(self, finder: MustSayFinder) -> None:
        self._finder = finder
        self._all = [_Open(rule, 0 if rule.when is None else None) for rule in finder.must_says]
        self._last: Turn | None = None
        self._over = False

    def use(self, finder: MustSayFinder) -> None:
        """Go over to other rules: what this call has to hold stays, how it is found is new."""
        self._finder = finder

    def hear(self, turn: Turn, utterance: Utterance) -> None:
        """Take in a turn of anybody, with its original words."""
        if not self._all:
            return
        if turn.speaker == "agent":
            self._last = turn
        found = self._finder.find(utterance.text, turn.speaker)
        for each in self._all:
            if each.asked_ms is None and each.rule.when is not None and each.rule.when.id in found:
                each.asked_ms = turn.end_ms
            # What was said before anybody asked counts: it was said in this call.
            if each.said_ms is None and each.rule.said.id in found:
                each.said_ms = turn.start_ms

    def end(self) -> list[Moment]:
        """Say what was asked for and not said, or too late; nothing of a call without an agent."""
        self._over = True
        last = self._last
        if last is None:
            return []
        moments = []
        for each in self._all:
            if each.asked_ms is None or (each.said_ms is not None and not each.is_late):
                continue
            details: dict[str, Detail] = {
                "id": each.rule.id,
                "part": each.rule.part,
                "phrase": each.rule.phrase,
                "late": each.is_late,
            }
            moments.append(Moment("missing-must-say", last.end_ms, last.index, details))
        return moments

    @property
    def must_says(self) -> tuple[MustSay, ...]:
        """Those that are asked for, for the live list."""
        if not self._all:
            return ()
        return tuple(
            MustSay(
                id=each.rule.id,
                part=each.rule.part,
                phase="call",
                due_ms=each.due_ms,
                said=each.said_ms is not None,
                missed=self._over and each.said_ms is None,
                phrase=each.rule.phrase,
            )
            for each in self._all
            if each.asked_ms is not None
        )
