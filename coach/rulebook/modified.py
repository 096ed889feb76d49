"""Where modifiers (an offer, a quote, a condition) stand in one utterance, and what they leave of a hit.

Searched only when a rule was found, and each modifier once at most.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from coach.language.prefilter import Prefilter
from coach.rulebook.rules import clause_around, milder

if TYPE_CHECKING:
    from collections.abc import Iterable

    from coach.language.compiled import CompiledPattern, Encoded, Found
    from coach.rulebook.models import SeverityName
    from coach.rulebook.rules import Modifier, Rule


class ModifierIndex:
    """Modifiers by the categories they act on, looked up by the words they need."""

    def __init__(self, modifiers: Iterable[Modifier]) -> None:
        self._modifiers = tuple(modifiers)
        # By category, made when the first rule of it is found.
        self._places: dict[str, tuple[list[tuple[Modifier, CompiledPattern]], Prefilter]] = {}

    def possible(self, category: str, text: str) -> list[tuple[Modifier, list[CompiledPattern]]]:
        """Return those that act on a category and could stand in normalised `text`, with their patterns."""
        known = self._places.get(category)
        if known is None:
            places = [
                (modifier, pattern)
                for modifier in self._modifiers
                if modifier.categories is None or category in modifier.categories
                for pattern in modifier.patterns
            ]
            known = self._places[category] = places, Prefilter([pattern.anchors for _, pattern in places])
        places, index = known
        found: dict[str, tuple[Modifier, list[CompiledPattern]]] = {}
        for number in index.candidates(text, index.scan(text)):
            modifier, pattern = places[number]
            found.setdefault(modifier.name, (modifier, []))[1].append(pattern)
        return list(found.values())


class Modified:
    """Where each modifier stands in one utterance; searched only when a rule was found."""

    def __init__(self, index: ModifierIndex, encoded: Encoded) -> None:
        self._index = index
        self._encoded = encoded
        self._possible: dict[str, list[tuple[Modifier, list[CompiledPattern]]]] = {}
        self._places: dict[str, list[Found]] = {}

    def apply(self, rule: Rule, hit: Found) -> tuple[SeverityName | None, str, tuple[str, ...]]:
        """Return the severity that is left, the reason when none is, and the modifiers that acted."""
        severity: SeverityName | None = rule.severity
        if rule.speaker == "customer":
            # They describe an agent's talk: a customer's 如果再不解决我就投诉 is no mere condition.
            return severity, "", ()
        possible = self._possible.get(rule.category)
        if possible is None:
            possible = self._possible[rule.category] = self._index.possible(rule.category, self._encoded.text)
        if not possible:
            return severity, "", ()
        names: list[str] = []
        for modifier, patterns in possible:
            if not any(self._acts(modifier, place, hit) for place in self._find(modifier, patterns)):
                continue
            names.append(modifier.name)
            severity = None if modifier.effect == "cancel" else milder(severity or "notice")
            if severity is None:
                return None, modifier.because, tuple(names)
        return severity, "", tuple(names)

    def _find(self, modifier: Modifier, patterns: list[CompiledPattern]) -> list[Found]:
        places = self._places.get(modifier.name)
        if places is None:
            places = [place for pattern in patterns for place in pattern.find(self._encoded)]
            if places:
                exceptions = [
                    found for other in modifier.exceptions for found in other.pattern.find(self._encoded)
                ]
                places = [place for place in places if not any(map(place.overlaps, exceptions))]
            self._places[modifier.name] = places
        return places

    def _acts(self, modifier: Modifier, place: Found, hit: Found) -> bool:
        if modifier.where == "before":
            # Words that begin before the hit may run into it: 您说“不行”, 如果没办法.
            if place.start >= hit.start:
                return False
            distance = hit.start - place.end
        elif modifier.where == "after":
            # Words that begin inside the hit belong to it: 没空给您核实 offers nothing.
            if place.start < hit.end:
                return False
            distance = place.start - hit.end
        else:
            distance = max(hit.start - place.end, place.start - hit.end, 0)
        if modifier.within is not None and distance > modifier.within:
            return False
        if modifier.same_clause:
            left, right = clause_around(self._encoded.tokens, hit.start, hit.end)
            return left <= place.start and place.end <= right
        return True
