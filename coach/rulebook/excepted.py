"""The exceptions of one rule or sentence type, looked up by the words they need instead of tried one by one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from coach.language.prefilter import Prefilter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from coach.language.compiled import Encoded, Found
    from coach.rulebook.rules import RuleException

# A word that is not finished yet counts from so many letters on: one inside the find, two after it.
_BEGUN: Final = 3


class Exceptions:
    """What may keep a find from being a hit.

    Args:
        exceptions: in the order in which they are asked.
    """

    def __init__(self, exceptions: Iterable[RuleException]) -> None:
        self._exceptions = tuple(exceptions)
        self._index = Prefilter([exception.pattern.anchors for exception in self._exceptions])
        # By number: the exceptions that may begin with anything, and those that begin with a word.
        self._anywhere: set[int] = set()
        led: dict[str, set[int]] = {}
        for number, exception in enumerate(self._exceptions):
            lead = exception.pattern.lead
            if lead is None:
                self._anywhere.add(number)
                continue
            for word in lead:
                for length in {*range(_BEGUN, len(word)), len(word)}:
                    led.setdefault(word[:length], set()).add(number)
        self._led = list(led.values())
        self._scan_leads = _scanner(led)

    def compile(self) -> Iterator[None]:
        """Compile the patterns one by one, yielding after each."""
        for exception in self._exceptions:
            exception.pattern.compile(excepts=True)
            yield

    def possible(self, text: str) -> list[RuleException]:
        """Return those that could stand in normalised `text`."""
        index = self._index
        return [self._exceptions[number] for number in index.candidates(text, index.scan(text))]

    def may_come(self, encoded: Encoded, *, before: int) -> bool:
        """Tell whether words still to come could complete one that starts before character `before`.

        Only meaningful for partial text with at least two characters, or a clause mark, from `before` on.
        """
        asked = self._anywhere.union(
            *[self._led[number] for start, _, number in self._scan_leads(encoded.text) if start < before]
        )
        return any(
            self._exceptions[number].pattern.may_still_match(encoded, before=before) for number in asked
        )


def stopping(exceptions: Sequence[RuleException], found: Found, encoded: Encoded) -> RuleException | None:
    """Return the first exception that overlaps a find."""
    for exception in exceptions:
        if any(found.overlaps(other) for other in exception.pattern.find(encoded)):
            return exception
    return None


def _scanner(words: Iterable[str]) -> Callable[[str], list[tuple[int, int, int]]]:
    import daachorse  # noqa: PLC0415 - keep importing this module free

    scan: Callable[[str], list[tuple[int, int, int]]]
    scan = daachorse.CharwiseDoubleArrayAhoCorasick(list(words) or ["\ue000"]).find_overlapping
    return scan
