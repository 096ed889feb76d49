"""Where modifiers (an offer, a quote, a condition) stand in one utterance, and what they leave of a hit.

Searched only when a rule was found, and each modifier once at most.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from coach.rulebook.rules import clause_around, milder

if TYPE_CHECKING:
    from collections.abc import Callable

    from coach.language.compiled import CompiledPattern, Encoded, Found
    from coach.rulebook.models import SeverityName
    from coach.rulebook.rules import Modifier, Rule


class Modified:
    """Where each modifier stands in one utterance; searched only when a rule was found."""

    def __init__(
        self,
        modifiers: tuple[Modifier, ...],
        encoded: Encoded,
        possible: Callable[[str], dict[str, list[CompiledPattern]]],
    ) -> None:
        self._modifiers = modifiers
        self._encoded = encoded
        self._ask_possible = possible
        self._possible: dict[str, list[CompiledPattern]] | None = None
        self._places: dict[str, list[Found]] = {}

    def apply(self, rule: Rule, hit: Found) -> tuple[SeverityName | None, str, tuple[str, ...]]:
        """Return the severity that is left, the reason when none is, and the modifiers that acted."""
        severity: SeverityName | None = rule.severity
        names: list[str] = []
        if rule.speaker == "customer":
            # They describe an agent's talk: a customer's 如果再不解决我就投诉 is no mere condition.
            return severity, "", ()
        possible = self._possible
        if possible is None:
            possible = self._possible = self._ask_possible(self._encoded.text)
        for modifier in self._modifiers if possible else ():
            if modifier.name not in possible:
                continue
            if modifier.categories is not None and rule.category not in modifier.categories:
                continue
            if not any(
                self._acts(modifier, place, hit) for place in self._find(modifier, possible[modifier.name])
            ):
                continue
            names.append(modifier.name)
            severity = None if modifier.effect == "cancel" else milder(severity or "notice")
            if severity is None:
                return None, modifier.because, tuple(names)
        return severity, "", tuple(names)

    def _find(self, modifier: Modifier, patterns: list[CompiledPattern]) -> list[Found]:
        places = self._places.get(modifier.name)
        if places is None:
            exceptions = [
                found for other in modifier.exceptions for found in other.pattern.find(self._encoded)
            ]
            places = self._places[modifier.name] = [
                place
                for pattern in patterns
                for place in pattern.find(self._encoded)
                if not any(place.overlaps(exception) for exception in exceptions)
            ]
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
