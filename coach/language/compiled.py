"""From a pattern tree to regular expressions over encoded tokens, and the words it cannot do without.

Tokens are encoded as `我|不|知道|` (with parts of speech: `我/r|不/d|知道/v|`), clause marks being tokens too,
so that a pattern is one ordinary bounded regular expression. No backtracking can grow with the text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cache, cached_property
from itertools import accumulate, islice, product
from typing import TYPE_CHECKING

from coach.language.pattern import (
    Choice,
    Gap,
    Item,
    Literal,
    Maybe,
    Named,
    PatternError,
    Sequence,
    Tag,
    WordClass,
    parse_pattern,
    walk,
)
from coach.language.text import normalize_literal
from coach.language.written import BAR, EDGE, YOU, Vocabulary, WordWriter

if TYPE_CHECKING:
    from collections.abc import Iterator

    from coach.language.tokens import Tokenizer

_TAGGED_EDGE = f"{EDGE}/x{BAR}"
_MAX_SOUND_FORMS = 120
# Classes in a row multiply; a rule file must not be able to make loading hang.
_MAX_SPELLINGS = 2_000
# A regular expression tries one way after the other: 22 optional words before the same 22 words took a minute.
# The shipped patterns have at most 1,458.
_MAX_READINGS = 10_000


class Encoded:
    """One utterance, tokenised and encoded once for all patterns.

    Attributes:
        tokens: the words, clause marks included.
        closed: False while the speaker has not finished (partial text): its end is no clause end.
        text: the normalised text.
        plain: the text as patterns read it.
    """

    def __init__(self, tokens: list[str], *, closed: bool, tokenizer: Tokenizer) -> None:
        self.tokens = tokens
        self.closed = closed
        self._tokenizer = tokenizer
        self._offsets: list[int] | None = None
        self.text = "".join(tokens)
        self.plain = f"{EDGE}{BAR}{BAR.join(tokens)}{BAR}" + (f"{EDGE}{BAR}" if closed else "")

    @cached_property
    def tagged(self) -> str:
        """The same with parts of speech; made only when a pattern asks for one."""
        body = "".join(
            f"{token.replace('/', '∕')}/{self._tokenizer.tag(token)}{BAR}" for token in self.tokens
        )
        return _TAGGED_EDGE + body + (_TAGGED_EDGE if self.closed else "")

    def character(self, code: str, position: int) -> int:
        """Turn the position of a word in `plain` or `tagged`, or of the end, into a character offset of the text."""
        bars = code.count(BAR, 0, position)
        if code is self.plain:
            # Before it stand an edge, the bars, and letters of the text.
            return position - bars - 1
        if self._offsets is None:
            self._offsets = list(accumulate(map(len, self.tokens), initial=0))
        return self._offsets[bars - 1]


# Never changed, but not frozen, like the other values that a search makes by the dozen: frozen ones take three
# times as long to make.
@dataclass(slots=True)
class Found:
    """A pattern found: character offsets of the normalised text, and its named parts likewise."""

    start: int
    end: int
    parts: dict[str, tuple[int, int]] = field(default_factory=dict)

    def overlaps(self, other: Found) -> bool:
        """Tell whether both share a character."""
        return self.start < other.end and other.start < self.end


class CompiledPattern:
    """A pattern ready to search.

    Attributes:
        source: as the author wrote it.
        anchors: sets of words; the pattern cannot match a text that has no word of each set. Best first.
        class_names: the word classes that the pattern refers to.
        tagged: whether it needs parts of speech.

    Raises:
        PatternError: if it cannot be read, names an unknown class, can be read in too many ways, or has no word
            to look for.
    """

    def __init__(self, source: str, vocabulary: Vocabulary) -> None:
        self.source = source
        self.tree = parse_pattern(source)
        self._vocabulary = vocabulary
        items = tuple(walk(self.tree))
        for item in items:
            if isinstance(item, WordClass) and item.name not in vocabulary.classes:
                known = "、".join(sorted(vocabulary.classes)) or "（没有）"
                raise PatternError(
                    source, source.find(f"<{item.name}>"), f"没有词类 <{item.name}>；已有：{known}"
                )
        self.class_names = frozenset(item.name for item in items if isinstance(item, WordClass))
        self.tagged = any(isinstance(item, Tag) or (isinstance(item, Literal) and item.tag) for item in items)
        readings = _readings(items)
        if readings > _MAX_READINGS:
            raise PatternError(
                source, 0, f"可省略的词和间隔太多，有 {readings} 种读法，最多 {_MAX_READINGS}；请拆成几条句式"
            )
        self.anchors = tuple(_anchors(self.tree, vocabulary))
        if not self.anchors:
            raise PatternError(source, 0, "没有必须出现的词，每句话都要细查；至少写一个词或 <词类>")

    def __reduce__(self) -> tuple[type[CompiledPattern], tuple[str, Vocabulary]]:
        """Pickle by source: compiled regular expressions are rebuilt on the other side."""
        return type(self), (self.source, self._vocabulary)

    def find(self, encoded: Encoded) -> list[Found]:
        """Return each place where the pattern matches, left to right, without overlaps."""
        code = encoded.tagged if self.tagged else encoded.plain
        return [self._found(match, code, encoded) for match in self._regex.finditer(code)]

    def _found(self, match: re.Match[str], code: str, encoded: Encoded) -> Found:
        start, end = match.span()
        parts = {}
        if match.lastindex:
            parts = {
                name: (encoded.character(code, match.start(name)), encoded.character(code, match.end(name)))
                for name in match.re.groupindex
                if match[name]
            }
        return Found(encoded.character(code, start), encoded.character(code, end), parts)

    def may_still_match(self, encoded: Encoded, *, before: int) -> bool:
        """Tell whether words still to come could complete a match that starts before character `before`.

        Only meaningful for text that is not closed.
        """
        code = encoded.tagged if self.tagged else encoded.plain
        return any(
            encoded.character(code, match.start()) < before for match in self._beginning.finditer(code)
        )

    def possible_in(self, text: str) -> bool:
        """Tell whether the letters of normalised `text` allow a match, however they are cut into words.

        Never False for a text that holds a match, save for words longer than `LONGEST_WORD`.
        """
        return self._letters.search(text) is not None

    def compile(self, *, excepts: bool = False) -> None:
        """Compile now what `find` compiles on first use, and `possible_in`, or for exceptions `may_still_match`."""
        _ = self._regex, self._beginning if excepts else self._letters

    @cached_property
    def lead(self) -> frozenset[str] | None:
        """The words with one of which every match begins; None when there is no such set."""
        return _lead(self.tree, self._vocabulary)

    @property
    def _writer(self) -> WordWriter:
        return self._vocabulary.tagged_words if self.tagged else self._vocabulary.words

    @cached_property
    def _letters(self) -> re.Pattern[str]:
        return re.compile(self._vocabulary.letters.sequence(self.tree))

    @cached_property
    def _regex(self) -> re.Pattern[str]:
        """Compiled on first use: a rule book has thousands, and most calls need a handful."""
        return re.compile(rf"(?<=\|){self._writer.sequence(self.tree)}")

    @cached_property
    def _beginning(self) -> re.Pattern[str]:
        """Matches any beginning of the pattern that runs up to the end of the text."""
        return re.compile(rf"(?<=\|)(?={self._writer.beginning(self.tree.items)})")

    def spoken_forms(self) -> Iterator[str]:
        """Yield the strings of three characters or more that the pattern spells without a gap.

        They are what is looked for by sound; at most 120 per pattern.
        """
        run: list[list[str]] = []
        count = 0
        for item in (*self.tree.items, Gap(0, 0)):
            forms = _spellings(item, self._vocabulary)
            if forms is not None:
                run.append(forms)
                continue
            for pieces in islice(product(*run), _MAX_SPELLINGS):
                spoken = "".join(pieces)
                if len(spoken) >= 3 and count < _MAX_SOUND_FORMS:  # noqa: PLR2004 - two syllables are too common
                    count += 1
                    yield spoken
            run = []


def _readings(items: tuple[Item, ...]) -> int:
    """Count in how many ways optional items and gaps may be filled."""
    ways = 1
    for item in items:
        if isinstance(item, Maybe):
            ways *= 2
        elif isinstance(item, Gap):
            ways *= item.high - item.low + 1
    return ways


@cache
def _variants(word: str) -> frozenset[str]:
    """Spell `word` with every mixture of 你 and 您."""
    if YOU[0] not in word and YOU[1] not in word:
        return frozenset((word,))
    choices = [tuple(YOU) if letter in YOU else (letter,) for letter in word]
    return frozenset("".join(letters) for letters in product(*choices))


@cache
def _class_words(words: tuple[str, ...]) -> frozenset[str]:
    """Return every spelling of the words of a class; the same classes come back in hundreds of patterns."""
    return frozenset().union(*(_variants(normalize_literal(word)) for word in words))


def _anchors(tree: Sequence, vocabulary: Vocabulary) -> list[frozenset[str]]:
    """List the sets of words of which a match needs one each, the most telling first."""
    sets = [words for item in tree.items if (words := _needed(item, vocabulary))]
    return sorted(sets, key=lambda words: (-min(map(len, words)), len(words)))


def _needed(item: Item, vocabulary: Vocabulary) -> frozenset[str] | None:
    if isinstance(item, Literal):
        return _variants(item.text)
    if isinstance(item, WordClass):
        return _class_words(vocabulary.classes[item.name])
    if isinstance(item, Named):
        best = _anchors(item.body, vocabulary)
        return best[0] if best else None
    if isinstance(item, Choice):
        words = [_only_word(option) for option in item.options]
        if None not in words:
            return frozenset().union(*(_variants(word) for word in words if word is not None))
        per_option = [_anchors(option, vocabulary) for option in item.options]
        if all(per_option):
            return frozenset().union(*(sets[0] for sets in per_option))
    return None


def _lead(sequence: Sequence, vocabulary: Vocabulary) -> frozenset[str] | None:
    """Return the words that a match of `sequence` begins with, one of them; None when that is not known."""
    # After a clause begin there may be a hesitation first.
    first = sequence.items[0]
    if isinstance(first, (Literal, WordClass)):
        return _needed(first, vocabulary)
    if isinstance(first, Named):
        return _lead(first.body, vocabulary)
    if isinstance(first, Choice):
        leads = [_lead(option, vocabulary) for option in first.options]
        known = [lead for lead in leads if lead is not None]
        return frozenset().union(*known) if len(known) == len(leads) else None
    return None


def _only_word(sequence: Sequence) -> str | None:
    """Return the word that is all of a sequence, or None."""
    first = sequence.items[0]
    return first.text if len(sequence.items) == 1 and isinstance(first, Literal) else None


def _spellings(item: Item, vocabulary: Vocabulary) -> list[str] | None:
    """Return what an item may spell, or None for gaps and edges."""
    if isinstance(item, Literal) and not item.tag:
        return [item.text]
    if isinstance(item, WordClass):
        return [normalize_literal(word) for word in vocabulary.classes[item.name]]
    if isinstance(item, (Maybe, Choice)):
        options = [Sequence((item.item,))] if isinstance(item, Maybe) else list(item.options)
        forms = [""] if isinstance(item, Maybe) else []
        for option in options:
            inner = [_spellings(part, vocabulary) for part in option.items]
            if any(part is None for part in inner):
                return None
            spelled = product(*(part for part in inner if part is not None))
            forms += ["".join(pieces) for pieces in islice(spelled, _MAX_SPELLINGS)]
        return forms
    return None
