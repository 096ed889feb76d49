"""The pattern language: eight forms, read into a tree.

docs/rules.md explains the forms. Compiling a tree to something that searches is `compiled.py`'s work.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from coach.errors import CoachError
from coach.language.text import CLAUSE_MARKS, normalize_literal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MAX_GAP = 8
MAX_GAPS = 3


class PatternError(CoachError):
    """A pattern cannot be read.

    Attributes:
        pattern: the whole pattern.
        column: index of the offending character, from 0.
        message: what was found and what was expected.
    """

    def __init__(self, pattern: str, column: int, message: str) -> None:
        self.pattern = pattern
        self.column = column
        self.message = message
        super().__init__(f"{message}\n  {pattern}\n  {_pad(pattern[:column])}^")


def _pad(text: str) -> str:
    """Return blanks as wide as `text` on a screen, so that the caret stands under the right character."""
    return "".join("　" if ord(letter) > 0x2E80 else " " for letter in text)  # noqa: PLR2004 - first CJK block


@dataclass(frozen=True, slots=True)
class Literal:
    """These characters as whole tokens; with `tag`, as one token of that part of speech."""

    text: str
    tag: str = ""


@dataclass(frozen=True, slots=True)
class WordClass:
    """Any word of a class in words.yml."""

    name: str


@dataclass(frozen=True, slots=True)
class Tag:
    """Any token whose part of speech starts with `prefix`."""

    prefix: str


@dataclass(frozen=True, slots=True)
class Gap:
    """`low` to `high` tokens of any kind, inside one clause."""

    low: int
    high: int


@dataclass(frozen=True, slots=True)
class Mark:
    """A clause mark: any of ，。？！；."""


@dataclass(frozen=True, slots=True)
class Start:
    """The start of a clause."""


@dataclass(frozen=True, slots=True)
class End:
    """The end of a clause."""


@dataclass(frozen=True, slots=True)
class Choice:
    """Any one of the options."""

    options: tuple[Sequence, ...]


@dataclass(frozen=True, slots=True)
class Maybe:
    """The item, or nothing."""

    item: Item


@dataclass(frozen=True, slots=True)
class Named:
    """A part that phrases may reuse under `name`."""

    name: str
    body: Sequence


@dataclass(frozen=True, slots=True)
class Sequence:
    """Items one after the other; fillers between any two are passed over."""

    items: tuple[Item, ...]


Item = Literal | WordClass | Tag | Gap | Mark | Start | End | Choice | Maybe | Named


def walk(node: Item | Sequence) -> Iterator[Item]:
    """Yield every item of a tree, outer before inner."""
    # A stack, not recursion: a rule book has a quarter of a million items.
    waiting: list[Item | Sequence] = [node]
    while waiting:
        node = waiting.pop()
        if isinstance(node, Sequence):
            waiting.extend(reversed(node.items))
            continue
        yield node
        if isinstance(node, Choice):
            waiting.extend(reversed(node.options))
        elif isinstance(node, Maybe):
            waiting.append(node.item)
        elif isinstance(node, Named):
            waiting.append(node.body)


def parse_pattern(pattern: str) -> Sequence:
    """Read a pattern.

    Raises:
        PatternError: with the column of the first character that does not fit.
    """
    return _Parser(pattern).parse()


_MARKS = frozenset(CLAUSE_MARKS)
_SPECIAL = frozenset("<>{}()|?[]^$/… \t？") | _MARKS | frozenset(",;!")
_NAME = re.compile(r"[a-z][a-z0-9_-]*")
_TAG = re.compile(r"[a-z][a-z0-9]*")
_PLAIN = re.compile(f"[^{re.escape(''.join(sorted(_SPECIAL)))}]+")
_UNBOUNDED = re.compile(r"[*+]")
_GAP = re.compile(r"\{\s*(\d+)\s*,\s*(\d+)\s*\}")
# Nine choices in ten are between plain words: read at once, a rule book loads in half the time.
_WORDS = re.compile(rf"\(({_PLAIN.pattern}(?:\|{_PLAIN.pattern})*)\)")


@cache
def _plain_word(written: str) -> Literal | None:
    """Read a word in which nothing is wrong; None for any other, which the parser then judges."""
    if _UNBOUNDED.search(written):
        return None
    text = normalize_literal(written)
    return Literal(text) if text and _MARKS.isdisjoint(text) else None


class _Parser:
    """Recursive descent; `at` is the index of the next character."""

    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        self.at = 0
        self.names: set[str] = set()
        self.gaps = 0

    def parse(self) -> Sequence:
        if not self.pattern.strip():
            raise self.error("空的句式；至少要有一个词", at=0)
        sequence = self.sequence(closing="")
        if self.at < len(self.pattern):
            raise self.error(f"多出来的 {self.pattern[self.at]!r}，前面没有与它配对的括号")
        self.check(sequence)
        return sequence

    def check(self, sequence: Sequence) -> None:
        if self.gaps > MAX_GAPS:
            raise self.error(f"有 {self.gaps} 个间隔，最多 {MAX_GAPS} 个", at=0)
        outer = [item for item in sequence.items if not isinstance(item, (Start, End))]
        if not outer:
            raise self.error("只有 ^ 或 $；至少要有一个词", at=0)
        for item, place in ((outer[0], "开头"), (outer[-1], "结尾")):
            if isinstance(item, Gap):
                raise self.error(f"间隔不能放在{place}：那里什么都能匹配", at=0)
        if isinstance(outer[-1], Named) and not isinstance(sequence.items[-1], End):
            last = outer[-1].body.items[-1]
            if isinstance(last, Gap):
                raise self.error("结尾的 [名字: 间隔] 后面要写 $，否则不知道到哪里为止", at=0)

    def sequence(self, *, closing: str) -> Sequence:
        items: list[Item] = []
        while self.at < len(self.pattern):
            letter = self.pattern[self.at]
            if letter in " \t":
                self.at += 1
            elif (letter and letter in closing) or letter in ")]|":
                break
            elif letter in "?？" and items and self.at and self.pattern[self.at - 1] not in " \t":
                self.at += 1
                items[-1] = self.optional(items[-1])
            else:
                items.append(self.item())
        if not items:
            raise self.error("这里应有一个词、<词类>、(甲|乙) 或间隔")
        return Sequence(tuple(items))

    def optional(self, item: Item) -> Maybe:
        if isinstance(item, (Gap, Start, End, Maybe)):
            raise self.error("? 只能跟在词、<词类>、(甲|乙) 或逗号后面", at=self.at - 1)
        return Maybe(item)

    def item(self) -> Item:
        letter = self.pattern[self.at]
        if letter not in _SPECIAL:
            return self.literal()
        if letter in _READERS:
            return _READERS[letter](self)
        if letter in _SINGLE or letter in CLAUSE_MARKS or letter in ",;!":
            self.at += 1
            self.gaps += letter == "…"
            return _SINGLE.get(letter, _MARK)
        raise self.error(f"这里不能写 {letter!r}")

    def literal(self) -> Literal:
        start = self.at
        found = _PLAIN.match(self.pattern, start)
        written = found.group() if found else ""
        self.at = start + len(written)
        plain = _plain_word(written)
        if plain is not None and self.pattern[self.at : self.at + 1] != "/":
            return plain
        unbounded = _UNBOUNDED.search(written)
        if unbounded:
            raise self.error("没有 * 和 +；用 {0,3} 这样的间隔写明上限", at=start + unbounded.start())
        text = normalize_literal(written)
        if not _MARKS.isdisjoint(text):
            at = next(index for index, letter in enumerate(written) if normalize_literal(letter) in _MARKS)
            raise self.error(f"标点 {written[at]!r} 请写成 ，：它把句子分成两个分句", at=start + at)
        if not text:
            raise self.error(f"{written!r} 是语气词，匹配前会被去掉", at=start)
        if self.pattern[self.at : self.at + 1] == "/":
            tag = self.tag()
            return Literal(text, tag.prefix)
        return Literal(text)

    def word_class(self) -> WordClass:
        start = self.at
        self.at += 1
        name = self.name("词类名", start)
        self.expect(">", start)
        return WordClass(name)

    def tag(self) -> Tag:
        start = self.at
        found = _TAG.match(self.pattern, self.at + 1)
        if not found:
            raise self.error("/ 后面要写词性，例如 /v、/n", at=start)
        self.at = found.end()
        return Tag(found.group())

    def gap(self) -> Gap:
        found = _GAP.match(self.pattern, self.at)
        if not found:
            raise self.error("间隔要写明下限和上限，例如 {0,3}")
        self.gaps += 1
        low, high = int(found.group(1)), int(found.group(2))
        if low > high:
            raise self.error(f"间隔 {found.group()} 的下限比上限大")
        if high > MAX_GAP:
            raise self.error(f"间隔 {found.group()} 太长，上限最多 {MAX_GAP}")
        self.at = found.end()
        return Gap(low, high)

    def choice(self) -> Choice:
        start = self.at
        if found := _WORDS.match(self.pattern, start):
            words = [_plain_word(written) for written in found[1].split("|")]
            if None not in words:
                self.at = found.end()
                return Choice(tuple(Sequence((word,)) for word in words if word is not None))
        self.at += 1
        options = [self.sequence(closing="|)")]
        while self.pattern[self.at : self.at + 1] == "|":
            self.at += 1
            options.append(self.sequence(closing="|)"))
        self.expect(")", start)
        return Choice(tuple(options))

    def named(self) -> Named:
        start = self.at
        self.at += 1
        name = self.name("名字", start)
        if name in self.names:
            raise self.error(f"名字 {name!r} 用了两次；一个句式里每个名字只能用一次", at=start)
        self.names.add(name)
        self.expect(":", start)
        body = self.sequence(closing="]")
        self.expect("]", start)
        return Named(name, body)

    def name(self, what: str, start: int) -> str:
        found = _NAME.match(self.pattern, self.at)
        if not found:
            raise self.error(f"这里应有{what}：小写字母开头，可含数字和连字符", at=start)
        self.at = found.end()
        return found.group()

    def expect(self, letter: str, opened: int) -> None:
        if self.pattern[self.at : self.at + 1] != letter:
            raise self.error(f"从这里打开的 {self.pattern[opened]!r} 没有用 {letter!r} 收尾", at=opened)
        self.at += 1

    def error(self, message: str, *, at: int | None = None) -> PatternError:
        return PatternError(self.pattern, self.at if at is None else at, message)


_MARK = Mark()
_SINGLE: dict[str, Item] = {"…": Gap(0, MAX_GAP), "^": Start(), "$": End()}
_READERS: dict[str, Callable[[_Parser], Item]] = {
    "<": _Parser.word_class,
    "{": _Parser.gap,
    "(": _Parser.choice,
    "[": _Parser.named,
    "/": _Parser.tag,
}
