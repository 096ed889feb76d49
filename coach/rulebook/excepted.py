"""The exceptions of all rules and sentence types, looked up by the words they need instead of tried one by one.

One index for all of them: an automaton takes a quarter of a megabyte however few words it knows.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from coach.language.prefilter import Prefilter, automaton

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from coach.language.compiled import Encoded, Found
    from coach.rulebook.rules import RuleException

# A word that is not finished yet counts from so many letters on: one inside the find, two after it.
_BEGUN: Final = 3


class ExceptionIndex:
    """What may keep a find from being a hit.

    Args:
        owners: by the id of a rule or the name of a sentence type, its exceptions in the order in which they are
            asked.
    """

    def __init__(self, owners: Mapping[str, Sequence[RuleException]]) -> None:
        self._exceptions = [
            (owner, exception) for owner, exceptions in owners.items() for exception in exceptions
        ]

    def warm(self) -> None:
        """Make what is otherwise made when it is first needed (0.2 s for a thousand exceptions)."""
        _ = self.anywhere, self._index, self._led, self._scan_leads

    def compile(self) -> Iterator[None]:
        """Compile the patterns one by one, yielding after each."""
        for _, exception in self._exceptions:
            exception.pattern.compile(excepts=True)
            yield

    def possible(self, text: str) -> dict[str, list[RuleException]]:
        """Return, by owner, those that could stand in normalised `text`."""
        found: dict[str, list[RuleException]] = {}
        for number in self._index.candidates(text, self._index.scan(text)):
            owner, exception = self._exceptions[number]
            found.setdefault(owner, []).append(exception)
        return found

    def leads(self, text: str) -> list[tuple[int, dict[str, list[RuleException]]]]:
        """Return where words stand with which exceptions may begin, as character offsets, and those by owner."""
        led = self._led
        return [(start, led[number]) for start, _, number in self._scan_leads(text)]

    @cached_property
    def anywhere(self) -> dict[str, list[RuleException]]:
        """The exceptions that may begin with anything, by owner."""
        found: dict[str, list[RuleException]] = {}
        for owner, exception in self._exceptions:
            if exception.pattern.lead is None:
                found.setdefault(owner, []).append(exception)
        return found

    @cached_property
    def _index(self) -> Prefilter:
        return Prefilter([exception.pattern.anchors for _, exception in self._exceptions])

    @cached_property
    def _by_lead(self) -> dict[str, dict[str, list[RuleException]]]:
        led: dict[str, dict[str, list[RuleException]]] = {}
        for owner, exception in self._exceptions:
            begun = {
                word[:length]
                for word in exception.pattern.lead or ()
                for length in {*range(_BEGUN, len(word)), len(word)}
            }
            for word in begun:
                led.setdefault(word, {}).setdefault(owner, []).append(exception)
        return led

    @cached_property
    def _led(self) -> list[dict[str, list[RuleException]]]:
        return list(self._by_lead.values())

    @cached_property
    def _scan_leads(self) -> Any:  # noqa: ANN401 - daachorse has no types
        return automaton(self._by_lead).find_overlapping


class Excepted:
    """The exceptions in one utterance; looked for when a rule was found, once for all rules."""

    __slots__ = ("_encoded", "_index", "_leads", "_possible")

    def __init__(self, index: ExceptionIndex, encoded: Encoded) -> None:
        self._index = index
        self._encoded = encoded
        self._possible: dict[str, list[RuleException]] | None = None
        self._leads: list[tuple[int, dict[str, list[RuleException]]]] | None = None

    def stopping(self, owner: str, found: Found) -> RuleException | None:
        """Return the owner's first exception that overlaps a find."""
        possible = self._possible
        if possible is None:
            possible = self._possible = self._index.possible(self._encoded.text)
        for exception in possible.get(owner, ()):
            for other in exception.pattern.find(self._encoded):
                if found.overlaps(other):
                    return exception
        return None

    def may_come(self, owner: str, *, before: int) -> bool:
        """Tell whether words still to come could complete one that starts before character `before`.

        Only meaningful for partial text with at least two characters, or a clause mark, from `before` on.
        """
        leads = self._leads
        if leads is None:
            leads = self._leads = self._index.leads(self._encoded.text)
        # By what they are: an exception may be begun in several places.
        asked = {id(each): each for each in self._index.anywhere.get(owner, ())}
        for start, led in leads:
            if start < before and owner in led:
                asked.update({id(each): each for each in led[owner]})
        return any(each.pattern.may_still_match(self._encoded, before=before) for each in asked.values())
