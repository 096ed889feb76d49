"""From a pattern tree to regular expressions over encoded tokens, and the words it cannot do without.

Tokens are encoded as `我|不|知道|` (with parts of speech: `我/r|不/d|知道/v|`), clause marks being tokens too,
so that a pattern is one ordinary bounded regular expression. No backtracking can grow with the text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cached_property
from itertools import accumulate, islice, product
from typing import TYPE_CHECKING

from coach.language.pattern import (
    Choice,
    End,
    Gap,
    Item,
    Literal,
    Mark,
    Maybe,
    Named,
    PatternError,
    Sequence,
    Start,
    Tag,
    WordClass,
    parse_pattern,
    walk,
)
from coach.language.text import CLAUSE_MARKS, normalize_literal

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from coach.language.tokens import Tokenizer

_BAR = "|"
# The ends of the utterance: clauses begin and end there, but no pattern can cross them as a mark.
_EDGE = "\x02"
_CLAUSE_EDGES = CLAUSE_MARKS + _EDGE
_TOKEN = rf"[^|{_CLAUSE_EDGES}]+\|"
_AT_START = rf"(?<=[{_CLAUSE_EDGES}]\|)"
# The part of speech of a clause mark is x: no dictionary lists them.
_AT_START_TAGGED = rf"(?<=[{_CLAUSE_EDGES}]/x\|)"
_AT_END = rf"(?=[{_CLAUSE_EDGES}])"
_TAGGED_EDGE = f"{_EDGE}/x{_BAR}"
# 你 and 您 are one letter to every pattern: recognisers mix them, and so do rule authors.
_YOU = "你您"
_MAX_FILLERS = 2
_MAX_SOUND_FORMS = 120
# The longest entry of jieba's dictionary has 16 characters; numbers and Latin words may be longer.
LONGEST_WORD = 16
# Classes in a row multiply; a rule file must not be able to make loading hang.
_MAX_SPELLINGS = 2_000


class Encoded:
    """One utterance, tokenised and encoded once for all patterns.

    Attributes:
        tokens: the words, clause marks included.
        closed: False while the speaker has not finished (partial text): its end is no clause end.
    """

    def __init__(self, tokens: list[str], *, closed: bool, tokenizer: Tokenizer) -> None:
        self.tokens = tokens
        self.closed = closed
        self._tokenizer = tokenizer
        self._offsets: list[int] | None = None
        self.plain = f"{_EDGE}{_BAR}{_BAR.join(tokens)}{_BAR}" + (f"{_EDGE}{_BAR}" if closed else "")

    @cached_property
    def tagged(self) -> str:
        """The same with parts of speech; made only when a pattern asks for one."""
        body = "".join(
            f"{token.replace('/', '∕')}/{self._tokenizer.tag(token)}{_BAR}" for token in self.tokens
        )
        return _TAGGED_EDGE + body + (_TAGGED_EDGE if self.closed else "")

    def character(self, code: str, position: int) -> int:
        """Turn a position in `plain` or `tagged` into a character offset of the normalised text."""
        if self._offsets is None:
            self._offsets = list(accumulate(map(len, self.tokens), initial=0))
        index = code.count(_BAR, 0, position) - 1
        return self._offsets[min(max(index, 0), len(self.tokens))]

    def token_index(self, code: str, position: int) -> int:
        """Turn a position in `plain` or `tagged` into the index of the token that starts there."""
        return code.count(_BAR, 0, position) - 1


@dataclass(frozen=True, slots=True)
class Found:
    """A pattern found: character offsets of the normalised text, and its named parts likewise."""

    start: int
    end: int
    parts: dict[str, tuple[int, int]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """What a pattern may refer to: word classes by name, and the fillers passed over between items."""

    classes: Mapping[str, tuple[str, ...]]
    fillers: tuple[str, ...] = ()


class CompiledPattern:
    """A pattern ready to search.

    Attributes:
        source: as the author wrote it.
        anchors: sets of words; the pattern cannot match a text that has no word of each set. Best first.
        tagged: whether it needs parts of speech.

    Raises:
        PatternError: if it cannot be read, names an unknown class, or has no word to look for.
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
        self.tagged = any(isinstance(item, Tag) or (isinstance(item, Literal) and item.tag) for item in items)
        self.anchors = tuple(_anchors(self.tree, vocabulary))
        if not self.anchors:
            raise PatternError(source, 0, "没有必须出现的词，每句话都要细查；至少写一个词或 <词类>")

    def __reduce__(self) -> tuple[type[CompiledPattern], tuple[str, Vocabulary]]:
        """Pickle by source: compiled regular expressions are rebuilt on the other side."""
        return type(self), (self.source, self._vocabulary)

    def class_names(self) -> frozenset[str]:
        """Return the names of the word classes that the pattern refers to."""
        return frozenset(item.name for item in walk(self.tree) if isinstance(item, WordClass))

    def find(self, encoded: Encoded) -> Iterator[Found]:
        """Yield each place where the pattern matches, left to right, without overlaps."""
        code = encoded.tagged if self.tagged else encoded.plain
        for match in self._regex.finditer(code):
            parts = {
                name: (encoded.character(code, match.start(name)), encoded.character(code, match.end(name)))
                for name in self._regex.groupindex
                if match[name]
            }
            yield Found(encoded.character(code, match.start()), encoded.character(code, match.end()), parts)

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

    @cached_property
    def _writer(self) -> _Writer:
        return _Writer(self._vocabulary, tagged=self.tagged)

    @cached_property
    def _letters(self) -> re.Pattern[str]:
        return re.compile(_LetterWriter(self._vocabulary).sequence(self.tree))

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


def _variants(word: str) -> set[str]:
    """Spell `word` with every mixture of 你 and 您."""
    if _YOU[0] not in word and _YOU[1] not in word:
        return {word}
    choices = [tuple(_YOU) if letter in _YOU else (letter,) for letter in word]
    return {"".join(letters) for letters in product(*choices)}


def _anchors(tree: Sequence, vocabulary: Vocabulary) -> list[frozenset[str]]:
    """List the sets of words of which a match needs one each, the most telling first."""
    sets = [words for item in tree.items if (words := _needed(item, vocabulary))]
    return sorted(sets, key=lambda words: (-min(map(len, words)), len(words)))


def _needed(item: Item, vocabulary: Vocabulary) -> frozenset[str] | None:
    if isinstance(item, Literal):
        return frozenset(_variants(item.text))
    if isinstance(item, WordClass):
        words = (normalize_literal(word) for word in vocabulary.classes[item.name])
        return frozenset(variant for word in words for variant in _variants(word))
    if isinstance(item, Named):
        best = _anchors(item.body, vocabulary)
        return best[0] if best else None
    if isinstance(item, Choice):
        per_option = [_anchors(option, vocabulary) for option in item.options]
        if all(per_option):
            return frozenset().union(*(sets[0] for sets in per_option))
    return None


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


class _Writer:
    """Writes regular expressions for one vocabulary, with or without parts of speech."""

    def __init__(self, vocabulary: Vocabulary, *, tagged: bool) -> None:
        self.classes = vocabulary.classes
        self.close = r"/[a-z0-9]*\|" if tagged else r"\|"
        self.tagged = tagged
        fillers = _alternatives(self.word(normalize_literal(word)) for word in vocabulary.fillers)
        self.fillers = rf"(?:{fillers}){{0,{_MAX_FILLERS}}}?" if vocabulary.fillers else ""
        self.begun_filler = _alternatives(self.begun_word(normalize_literal(w)) for w in vocabulary.fillers)

    def word(self, text: str, tag: str = "") -> str:
        """Spell a literal over any run of whole tokens; with `tag`, over one token."""
        letters = [f"[{_YOU}]" if letter in _YOU else re.escape(letter) for letter in text]
        if tag:
            return "".join(letters) + rf"/{tag}[a-z0-9]*\|"
        inner = f"(?:{self.close})?"
        return inner.join(letters) + self.close

    def sequence(self, sequence: Sequence) -> str:
        written: list[str] = []
        previous: Item | None = None
        for item in sequence.items:
            if previous is not None and not isinstance(previous, Gap) and not isinstance(item, Gap):
                written.append(self.fillers)
            written.append(self.item(item))
            previous = item
        return "".join(written)

    def item(self, item: Item) -> str:  # noqa: PLR0911 - one return per form of the language
        match item:
            case Literal(text, tag):
                return self.word(text, tag)
            case WordClass(name):
                words = sorted(map(normalize_literal, self.classes[name]), key=len, reverse=True)
                return _alternatives(self.word(word) for word in words)
            case Tag(prefix):
                return rf"[^|/{_CLAUSE_EDGES}]+/{prefix}[a-z0-9]*\|"
            case Gap(low, high):
                return rf"(?:{_TOKEN}){{{low},{high}}}?"
            case Mark():
                return rf"(?:[{CLAUSE_MARKS}]{self.close}){{1,3}}"
            case Start():
                return _AT_START_TAGGED if self.tagged else _AT_START
            case End():
                return _AT_END
            case Maybe(inner):
                return f"(?:{self.item(inner)})?"
            case Named(name, body):
                return f"(?P<{name.replace('-', '_')}>{self.sequence(body)})"
            case Choice(options):
                return _alternatives(
                    self.sequence(option) for option in sorted(options, key=_length, reverse=True)
                )

    def beginning(self, items: tuple[Item, ...]) -> str:
        """Write what matches any beginning of `items` that reaches the end of the text."""
        if not items:
            return r"(?!)"
        first, rest = items[0], items[1:]
        whole = re.sub(r"\(\?P<[a-z0-9_]+>", "(?:", self.item(first))
        partial = self.begun(first)
        options = [partial] if partial else []
        if rest:
            beside_gap = isinstance(first, Gap) or isinstance(rest[0], Gap)
            follows = [r"\Z", "" if beside_gap else self.begun_filler, self.beginning(rest)]
            options.append(f"{whole}{'' if beside_gap else self.fillers}{_alternatives(follows)}")
        # A last item of one character has no beginning of its own; nothing, unlike "", matches nowhere.
        return _alternatives(options) or r"(?!)"

    def begun(self, item: Item) -> str:
        """Write what matches a single item that is begun but not complete at the end of the text."""
        match item:
            case Literal(text, _):
                return self.begun_word(text)
            case WordClass(name):
                return _alternatives(
                    filter(None, (self.begun_word(normalize_literal(w)) for w in self.classes[name]))
                )
            case Tag():
                return rf"{_TOKEN}\Z"
            case Gap(_, high):
                return rf"(?:{_TOKEN}){{1,{max(high, 1)}}}\Z"
            case Maybe(inner):
                return self.begun(inner)
            case Named(_, body):
                return self.beginning(body.items)
            case Choice(options):
                return _alternatives(self.beginning(option.items) for option in options)
            case _:
                return ""

    def begun_word(self, text: str) -> str:
        """Match the first 1 to n-1 characters of a word standing at the very end."""
        letters = [f"[{_YOU}]" if letter in _YOU else re.escape(letter) for letter in text]
        written = ""
        for letter in reversed(letters[:-1]):
            ending = rf"(?:{self.close})?\Z"
            written = rf"{letter}(?:{ending}|(?:{self.close})?{written})" if written else rf"{letter}{ending}"
        return written


class _LetterWriter(_Writer):
    """Writes regular expressions over plain letters: what a pattern spells, with words cut anywhere."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        super().__init__(vocabulary, tagged=False)

    def word(self, text: str, tag: str = "") -> str:  # noqa: ARG002 - letters have no part of speech
        return "".join(f"[{_YOU}]" if letter in _YOU else re.escape(letter) for letter in text)

    def begun_word(self, text: str) -> str:  # noqa: ARG002 - only whole matches are looked for
        return ""

    def item(self, item: Item) -> str:
        match item:
            case Tag():
                return f"[^{CLAUSE_MARKS}]{{1,{LONGEST_WORD}}}?"
            case Gap(low, high):
                return f"[^{CLAUSE_MARKS}]{{{low},{high * LONGEST_WORD}}}?"
            case Mark():
                return f"[{CLAUSE_MARKS}]{{1,3}}"
            case Start():
                return f"(?<![^{CLAUSE_MARKS}])"
            case End():
                return f"(?![^{CLAUSE_MARKS}])"
            case _:
                return super().item(item)


def _alternatives(options: Iterable[str]) -> str:
    unique = list(dict.fromkeys(option for option in options if option))
    return unique[0] if len(unique) == 1 else f"(?:{'|'.join(unique)})" if unique else ""


def _length(sequence: Sequence) -> int:
    """Guess how much an option can match, so that the longer option is tried first."""
    return sum(len(item.text) if isinstance(item, Literal) else 2 for item in sequence.items)
