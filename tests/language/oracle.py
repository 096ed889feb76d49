"""A second, slow and obvious way to search a pattern: walk the tree over the tokens, trying everything."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import strategies as st

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
from coach.language.written import Vocabulary

if TYPE_CHECKING:
    from coach.language.compiled import Encoded
    from coach.language.tokens import Tokenizer

MARKS = "，。？！；"
VOCABULARY = Vocabulary(
    {"self": ("我", "我们"), "you": ("您", "你们"), "know": ("知道", "清楚", "不了解")},
    ("那个", "就是说"),
)
WORDS = [
    "我",
    "我们",
    "您",
    "你们",
    "不",
    "不是",
    "是不是",
    "知道",
    "不知道",
    "清楚",
    "了解",
    "方便",
    "吗",
    "的",
    "就",
    "查不到",
    "应该",
    "可以",
    "明天",
    "那个",
    "就是说",
    "就是",
    "那",
]
TEXTS = st.lists(st.sampled_from([*WORDS, *WORDS, *MARKS]), min_size=1, max_size=12).map("".join)

_LITERALS = st.sampled_from([*WORDS, "不知", "是不"])
_ATOMS = st.one_of(
    _LITERALS,
    _LITERALS,
    st.sampled_from(["<self>", "<you>", "<know>", "/v", "/r", "清楚/a", "，", "不 知道"]),
)
_CHOICES = st.lists(st.lists(_ATOMS, min_size=1, max_size=2).map(" ".join), min_size=2, max_size=3).map(
    lambda options: f"({'|'.join(options)})"
)
_ITEMS = st.one_of(
    _ATOMS,
    _ATOMS,
    _CHOICES,
    st.one_of(st.sampled_from([*WORDS, "<you>", "，"]), _CHOICES).map(lambda item: f"{item}?"),
    st.sampled_from(["{0,1}", "{1,2}", "{0,3}", "…"]),
    _ATOMS.map(lambda item: f"[rest: {item} {{0,2}} 吗]"),
)
PATTERNS = st.tuples(
    st.sampled_from(["", "", "^ "]),
    st.lists(_ITEMS, min_size=1, max_size=5).map(" ".join),
    st.sampled_from(["", "", " $"]),
).map("".join)


class Oracle:
    """Finds every (start, end) that a pattern could match in one utterance, in characters."""

    def __init__(self, tree: Sequence, encoded: Encoded, tokenizer: Tokenizer) -> None:
        self.tree = tree
        self.tokens = encoded.tokens
        self.closed = encoded.closed
        self.tokenizer = tokenizer

    def spans(self) -> set[tuple[int, int]]:
        """Return all spans, empty ones aside."""
        places = [sum(map(len, self.tokens[:count])) for count in range(len(self.tokens) + 1)]
        return {
            (places[start], places[end])
            for start in range(len(self.tokens))
            for end in self.sequence(self.tree, {start})
            if end > start
        }

    def sequence(self, sequence: Sequence, at: set[int]) -> set[int]:
        """Return where a sequence can end that starts at one of `at`."""
        previous: Item | None = None
        for item in sequence.items:
            if previous is not None and not isinstance(previous, Gap) and not isinstance(item, Gap):
                for _ in range(2):
                    at = at | {
                        end for start in at for word in VOCABULARY.fillers for end in self.word(word, start)
                    }
            at = {end for start in at for end in self.item(item, start)}
            previous = item
        return at

    def item(self, item: Item, at: int) -> set[int]:  # noqa: PLR0911 - one return per form
        """Return where one item can end that starts at token `at`."""
        match item:
            case Literal(text, tag):
                ends = self.word(text, at)
                return {end for end in ends if not tag or (end == at + 1 and self.tagged(at, tag))}
            case WordClass(name):
                return {end for word in VOCABULARY.classes[name] for end in self.word(word, at)}
            case Tag(prefix):
                is_word = at < len(self.tokens) and self.tokens[at] not in MARKS
                return {at + 1} if is_word and self.tagged(at, prefix) else set()
            case Gap(low, high):
                return {at + count for count in range(low, high + 1) if self.no_marks(at, count)}
            case Mark():
                return {at + count for count in (1, 2, 3) if self.only_marks(at, count)}
            case Start():
                return {at} if at == 0 or self.tokens[at - 1] in MARKS else set()
            case End():
                last = at == len(self.tokens)
                return {at} if (self.closed if last else self.tokens[at] in MARKS) else set()
            case Maybe(inner):
                return {at} | self.item(inner, at)
            case Named(_, body):
                return self.sequence(body, {at})
            case Choice(options):
                return {end for option in options for end in self.sequence(option, {at})}

    def word(self, word: str, at: int) -> set[int]:
        """Return where a run of whole tokens from `at` spells `word`, 你 and 您 being one letter."""
        spelled = ""
        for end in range(at, len(self.tokens)):
            spelled += self.tokens[end].replace("您", "你")
            if spelled == word.replace("您", "你"):
                return {end + 1}
            if len(spelled) >= len(word):
                break
        return set()

    def tagged(self, at: int, prefix: str) -> bool:
        """Tell whether the part of speech of token `at` starts with `prefix`."""
        return self.tokenizer.tag(self.tokens[at]).startswith(prefix)

    def no_marks(self, at: int, count: int) -> bool:
        """Tell whether `count` tokens from `at` exist and none of them ends a clause."""
        return at + count <= len(self.tokens) and not any(t in MARKS for t in self.tokens[at : at + count])

    def only_marks(self, at: int, count: int) -> bool:
        """Tell whether `count` tokens from `at` exist and each of them ends a clause."""
        return at + count <= len(self.tokens) and all(t in MARKS for t in self.tokens[at : at + count])
