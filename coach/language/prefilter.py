"""Which patterns could match a text at all: one pass of Aho-Corasick over the words they need.

Never loses a match (a test compares it with searching every pattern). Costs the same for 200 patterns as
for 20,000: patterns are looked up by their two rarest words, and all but the rarest are only looked for
once that one was found.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    Anchors = Sequence[frozenset[str]]

_MAX_PAIRS = 600
# The characters that agents say most, the commonest first; only the order of magnitude matters, and only
# for speed: a pattern is looked up by the words of which a text is least likely to hold one.
_COMMON = (
    "您的我这一是了个好有不请们到在以帮为给可看上下会来那么就还要没时问什您发号生电话过间天客单等用能方后"
    "再去说点系吗手机核记都出大现址收得知道子信吧呢里申查实确认情况处理服务打开多谢家钱费对当然先已经啊把被"
    "自己也人他你和与从麻烦款退物流快递订货品日月年前几回联办事业分行成面心最定话想做小让拿找谁怎啥别只"
)
_COMMONNESS = {letter: 0.6 / (1 + rank / 8) for rank, letter in reversed(list(enumerate(_COMMON)))}
_UNCOMMON = 0.01
_PER_LETTER = 0.05


class Prefilter:
    """An index of patterns by the words they cannot do without.

    Args:
        anchors: for each pattern its sets of needed words: a match needs one word of each set.
        disturbing: short strings after which the text has to be normalised and scanned again.
    """

    def __init__(self, anchors: Iterable[Anchors], *, disturbing: Iterable[str] = ()) -> None:
        # Words are numbered in the order in which they are first met.
        self._first: dict[str, int] = {}
        self._other: dict[str, int] = {}
        self._alone: dict[int, list[int]] = {}
        self._pairs: dict[int, dict[int, list[int]]] = {}
        # For each pattern the sets that are left when its key, one word or two, was found.
        self._needs: list[tuple[frozenset[int], ...]] = []
        for piece in disturbing:
            self._first.setdefault(piece, len(self._first))
        self._first_anchor = len(self._first)
        for pattern, sets in enumerate(anchors):
            self._add(pattern, sorted(sets, key=_commonness))
        # Scans once: a list of (start, end, number of the word). An empty list means that nothing can
        # match and nothing needs normalising. An attribute and not a method, to save a call per utterance.
        self.scan: Callable[[str], list[tuple[int, int, int]]] = _automaton(self._first).find_overlapping
        self._scan_other: Callable[[str], list[tuple[int, int, int]]] = _automaton(
            self._other
        ).find_overlapping

    def _add(self, pattern: int, sets: Anchors) -> None:
        keys = [_numbered(self._first, sets[0])]
        keys += [_numbered(self._other, words) for words in sets[1:]]
        if len(keys) > 1 and len(keys[0]) * len(keys[1]) <= _MAX_PAIRS:
            for word in keys[0]:
                others = self._pairs.setdefault(word, {})
                for other in keys[1]:
                    others.setdefault(other, []).append(pattern)
            self._needs.append(tuple(keys[2:]))
            return
        for word in keys[0]:
            self._alone.setdefault(word, []).append(pattern)
        self._needs.append(tuple(keys[1:]))

    def disturbed(self, found: list[tuple[int, int, int]]) -> bool:
        """Tell whether the scan met something that normalising would change."""
        first = self._first_anchor
        for _, _, number in found:  # noqa: SIM110 - a loop costs half of `any`, and this runs on every find
            if number < first:
                return True
        return False

    def candidates(self, text: str, found: list[tuple[int, int, int]]) -> list[int]:
        """Return the patterns that could match `text`, given its scan; ascending, without doubles."""
        if not found:
            return []
        present = {number for _, _, number in self._scan_other(text)}
        chosen: set[int] = set()
        alone, pairs, needs = self._alone, self._pairs, self._needs
        for number in {number for _, _, number in found}:
            if number in alone:
                chosen.update(alone[number])
            if number in pairs:
                others = pairs[number]
                # Walks the smaller side: a text holds a handful of words, a word may have thousands of partners.
                for other in others.keys() & present:
                    chosen.update(others[other])
        kept: list[int] = []
        for pattern in chosen:
            # Loops, not `any`: a generator costs more than the few sets it would look at.
            for words in needs[pattern]:
                if words.isdisjoint(present):
                    break
            else:
                kept.append(pattern)
        kept.sort()
        return kept


def _numbered(numbers: dict[str, int], words: frozenset[str]) -> frozenset[int]:
    return frozenset(numbers.setdefault(word, len(numbers)) for word in words)


def _commonness(words: frozenset[str]) -> float:
    """Guess how likely an ordinary utterance is to hold one of `words`."""
    return sum(
        min(_COMMONNESS.get(letter, _UNCOMMON) for letter in word) * _PER_LETTER ** (len(word) - 1)
        for word in words
    )


def _automaton(words: Iterable[str]) -> Any:  # noqa: ANN401 - daachorse has no types
    import daachorse  # noqa: PLC0415 - keep importing this module free

    return daachorse.CharwiseDoubleArrayAhoCorasick(list(words) or ["\ue000"])
