"""Writes a pattern tree as a regular expression: over encoded tokens, or over plain letters.

`compiled` says how tokens are encoded. Every quantifier is bounded, so no backtracking grows with the text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
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
    Sequence,
    Start,
    Tag,
    WordClass,
)
from coach.language.text import CLAUSE_MARKS, normalize_literal

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

BAR = "|"
# The ends of the utterance: clauses begin and end there, but no pattern can cross them as a mark.
EDGE = "\x02"
# 你 and 您 are one letter to every pattern: recognisers mix them, and so do rule authors.
YOU = "你您"
# The longest entry of jieba's dictionary has 16 characters; numbers and Latin words may be longer.
LONGEST_WORD = 16
_CLAUSE_EDGES = CLAUSE_MARKS + EDGE
_TOKEN = rf"[^|{_CLAUSE_EDGES}]+\|"
_AT_START = rf"(?<=[{_CLAUSE_EDGES}]\|)"
# The part of speech of a clause mark is x: no dictionary lists them.
_AT_START_TAGGED = rf"(?<=[{_CLAUSE_EDGES}]/x\|)"
_AT_END = rf"(?=[{_CLAUSE_EDGES}])"
_MAX_FILLERS = 2


@dataclass(frozen=True)
class Vocabulary:
    """What a pattern may refer to: word classes by name, and the fillers passed over between items."""

    classes: Mapping[str, tuple[str, ...]]
    fillers: tuple[str, ...] = ()

    # Thousands of patterns are written by the same three writers.

    @cached_property
    def words(self) -> WordWriter:
        """Writes patterns over words."""
        return WordWriter(self, tagged=False)

    @cached_property
    def tagged_words(self) -> WordWriter:
        """Writes patterns over words with parts of speech."""
        return WordWriter(self, tagged=True)

    @cached_property
    def letters(self) -> LetterWriter:
        """Writes patterns over plain letters."""
        return LetterWriter(self)


class WordWriter:
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
        letters = [f"[{YOU}]" if letter in YOU else re.escape(letter) for letter in text]
        if tag:
            return "".join(letters) + rf"/{tag}[a-z0-9]*\|"
        inner = f"(?:{self.close})?"
        return inner.join(letters) + self.close

    def sequence(self, sequence: Sequence) -> str:
        """Write items in a row."""
        written: list[str] = []
        previous: Item | None = None
        for item in sequence.items:
            if previous is not None and not isinstance(previous, Gap) and not isinstance(item, Gap):
                written.append(self.fillers)
            written.append(self.item(item))
            previous = item
        return "".join(written)

    def item(self, item: Item) -> str:  # noqa: PLR0911 - one return per form of the language
        """Write one item."""
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
        letters = [f"[{YOU}]" if letter in YOU else re.escape(letter) for letter in text]
        written = ""
        for letter in reversed(letters[:-1]):
            ending = rf"(?:{self.close})?\Z"
            written = rf"{letter}(?:{ending}|(?:{self.close})?{written})" if written else rf"{letter}{ending}"
        return written


class LetterWriter(WordWriter):
    """Writes regular expressions over plain letters: what a pattern spells, with words cut anywhere."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        super().__init__(vocabulary, tagged=False)

    def word(self, text: str, tag: str = "") -> str:  # noqa: ARG002 - letters have no part of speech
        """Spell a literal."""
        return "".join(f"[{YOU}]" if letter in YOU else re.escape(letter) for letter in text)

    def begun_word(self, text: str) -> str:  # noqa: ARG002 - only whole matches are looked for
        """Return nothing: a beginning is never asked for."""
        return ""

    def item(self, item: Item) -> str:
        """Write one item; a gap counts letters, as many as its words may have."""
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
