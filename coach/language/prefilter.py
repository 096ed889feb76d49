"""Which patterns could match a text at all: one pass of Aho-Corasick over the words they need.

Never loses a match (a test compares it with searching every pattern). Costs the same for 200 patterns as
for 20,000: patterns are looked up by pairs of words, and the second words, which are ordinary ones, are
only looked for once a first word was found.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    Anchors = Sequence[frozenset[str]]

_MAX_PAIRS = 600


class Prefilter:
    """An index of patterns by the words they cannot do without.

    Args:
        anchors: for each pattern its sets of needed words, the most telling first.
        disturbing: short strings after which the text has to be normalised and scanned again.
    """

    def __init__(self, anchors: Iterable[Anchors], *, disturbing: Iterable[str] = ()) -> None:
        # Words are numbered in the order in which they are first met.
        self._first: dict[str, int] = {}
        self._second: dict[str, int] = {}
        self._alone: dict[int, list[tuple[int, tuple[str, ...]]]] = {}
        self._pairs: dict[int, dict[int, list[int]]] = {}
        for piece in disturbing:
            self._first.setdefault(piece, len(self._first))
        self._first_anchor = len(self._first)
        for pattern, sets in enumerate(anchors):
            self._add(pattern, sets)
        # Scans once: a list of (start, end, number of the word). An empty list means that nothing can
        # match and nothing needs normalising. An attribute and not a method, to save a call per utterance.
        self.scan: Callable[[str], list[tuple[int, int, int]]] = _automaton(self._first).find_overlapping
        self._scan_second = _automaton(self._second).find_overlapping

    def _add(self, pattern: int, sets: Anchors) -> None:
        first = sets[0]
        second = next((words for words in sets[1:] if min(map(len, words)) > 1), None)
        if second is not None and len(first) * len(second) <= _MAX_PAIRS:
            for word in first:
                others = self._pairs.setdefault(self._first.setdefault(word, len(self._first)), {})
                for other in second:
                    others.setdefault(self._second.setdefault(other, len(self._second)), []).append(pattern)
            return
        # A single character is no good in the automaton (it is everywhere); looked for only on a find.
        extra = tuple(sets[1]) if len(sets) > 1 else ()
        for word in first:
            number = self._first.setdefault(word, len(self._first))
            self._alone.setdefault(number, []).append((pattern, extra))

    def disturbed(self, found: list[tuple[int, int, int]]) -> bool:
        """Tell whether the scan met something that normalising would change."""
        first = self._first_anchor
        for _, _, number in found:  # noqa: SIM110 - a loop costs half of `any`, and this runs on every find
            if number < first:
                return True
        return False

    def candidates(self, text: str, found: list[tuple[int, int, int]]) -> list[int]:
        """Return the patterns that could match `text`, given its scan; ascending, without doubles."""
        chosen: set[int] = set()
        seconds: set[int] | None = None
        for number in {number for _, _, number in found}:
            for pattern, extra in self._alone.get(number, ()):
                if not extra or any(word in text for word in extra):
                    chosen.add(pattern)
            others = self._pairs.get(number)
            if others:
                if seconds is None:
                    seconds = {second for _, _, second in self._scan_second(text)}
                # Walk the smaller side: a text holds a handful of words, a word may have thousands of partners.
                for second in seconds:
                    chosen.update(others.get(second, ()))
        return sorted(chosen)


def _automaton(words: Iterable[str]) -> Any:  # noqa: ANN401 - daachorse has no types
    import daachorse  # noqa: PLC0415 - keep importing this module free

    return daachorse.CharwiseDoubleArrayAhoCorasick(list(words) or ["\ue000"])
