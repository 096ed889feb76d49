"""Which patterns could match a text at all: one pass of Aho-Corasick over the words they need.

Never loses a match (a test compares it with searching every pattern). Costs the same for 200 patterns as
for 20,000: patterns are looked up by their two rarest words, and all but the rarest are only looked for
once that one was found. Patterns whose rarest words are everyday ones are in a table of bits.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    Anchors = Sequence[frozenset[str]]

_MAX_PAIRS = 600
# What agents say most, the commonest first: only the order of magnitude matters, and only for speed. A
# pattern is looked up by the words of which an utterance is least likely to hold one.
_COMMON = (
    "的您是请可以呢这有到下单吗了还帮一问个我好不在为等会要给点小他时发退收号看么查理取天快服就没话成价回新通对"
    "消机保修信手上中前也用开改能家出票人都内完换烦再很付过行知进选那放账重告只元多先动来量买次打大数便跟非路说关"
    "安准费认运使让差同做三想"
)
_COMMON_WORDS = """
可以 您的 订单 这边 还有 为您 这个 帮您 其他 的吗 申请 给您 一下 联系 好的 需要 站点 已经 配送 处理
服务 什么 我们 退款 查询 问题 没有 取消 售后 电话 支持 时间 工作 客户 麻烦 抱歉 建议 客气 如果 提供
审核 耐心 修改 直接 手机 发货 一个 地址 之后 正在 发票 成功 选择 收到 核实 都是 无法 重新 送货 放心
退货 一般 信息 订单号 现在 显示 安排 咨询 情况 咱们 尽快 时候 还是 通过 注意 正常 就是 物流 系统 商家
快递 之前 使用 明天 小时 短信 通知 这样 今天 不是 师傅 确认 具体 应该 客服 马上 左右 解决 厂家 给我
这么 是否 也是 因为 操作 目前 不要 到了 号码
""".split()  # noqa: SIM905 - a hundred quoted words would be unreadable
_COMMONNESS = {letter: 0.6 / (1 + rank / 8) for rank, letter in reversed(list(enumerate(_COMMON)))}
_COMMONNESS |= {word: 0.25 / (1 + rank / 8) for rank, word in reversed(list(enumerate(_COMMON_WORDS)))}
_UNCOMMON = 0.01
_PER_LETTER = 0.05
# Patterns are everyday ones when more texts than this (0 to 1) hold a word of their rarest set, by the guess below.
_EVERYDAY = 0.005
# Their table grows with the square of their number; the rest are looked up by pairs, however common.
_MAX_COMMON = 4096
# So many of a pattern's sets are in the table: with three, 1.2 patterns are left of 2,609, with two 2.4.
_LEVELS = 3


class Prefilter:
    """An index of patterns by the words they cannot do without.

    Args:
        anchors: for each pattern its sets of needed words: a match needs one word of each set.
        disturbing: short strings after which the text has to be normalised and scanned again.
    """

    def __init__(self, anchors: Iterable[Anchors], *, disturbing: Iterable[str] = ()) -> None:
        # Words are numbered in the order in which they are first met.
        self._first = _Numbers()
        self._other = _Numbers()
        self._alone: dict[int, list[int]] = {}
        self._pairs: dict[int, dict[int, list[int]]] = {}
        # For each pattern the sets that are left when its key, one word or two, was found.
        self._needs: dict[int, tuple[frozenset[int], ...]] = {}
        for piece in disturbing:
            self._first.words.setdefault(piece, len(self._first.words))
        disturbing_words = len(self._first.words)
        ordered = [sorted(sets, key=_commonness) for sets in anchors]
        common = _common_patterns(ordered)
        for pattern in sorted(set(range(len(ordered))).difference(common)):
            self._add(pattern, ordered[pattern])
        self._table = _BitTable(
            {pattern: ordered[pattern] for pattern in common},
            first=self._first,
            other=self._other,
            disturbing=disturbing_words,
        )
        # Scans once: a list of (start, end, number of the word). An empty list means that nothing can
        # match and nothing needs normalising. An attribute and not a method, to save a call per utterance.
        self.scan: Callable[[str], list[tuple[int, int, int]]] = automaton(self._first.words).find_overlapping
        self._scan_other: Callable[[str], list[tuple[int, int, int]]] = automaton(
            self._other.words
        ).find_overlapping

    def _add(self, pattern: int, sets: Anchors) -> None:
        keys = [self._first.of(sets[0]), *(self._other.of(words) for words in sets[1:])]
        if len(keys) > 1 and len(keys[0]) * len(keys[1]) <= _MAX_PAIRS:
            for word in keys[0]:
                others = self._pairs.setdefault(word, {})
                for other in keys[1]:
                    others.setdefault(other, []).append(pattern)
            self._needs[pattern] = tuple(keys[2:])
            return
        for word in keys[0]:
            self._alone.setdefault(word, []).append(pattern)
        self._needs[pattern] = tuple(keys[1:])

    def candidates(self, text: str, found: list[tuple[int, int, int]]) -> list[int]:
        """Return the patterns that could match normalised `text`, given its scan; ascending, without doubles."""
        return self._candidates(text, found, self._table.normalized) or []

    def candidates_as_written(self, text: str, found: list[tuple[int, int, int]]) -> list[int] | None:
        """Return the same for text as it was written; None when it has to be normalised, and scanned again, first."""
        return self._candidates(text, found, self._table.first)

    def _candidates(self, text: str, found: list[tuple[int, int, int]], masks: list[int]) -> list[int] | None:
        bits = 0
        alone, pairs = self._alone, self._pairs
        rare: list[int] = []
        for _, _, number in found:
            bits |= masks[number]
            if number in pairs or number in alone:
                rare.append(number)
        if not bits and not rare:
            return []
        if bits >= self._table.disturbed:
            return None
        others = self._scan_other(text)
        kept = self._table.patterns(bits, others) if bits else []
        if rare:
            kept += self._rare(rare, {number for _, _, number in others})
            kept.sort()
        return kept

    def _rare(self, found: list[int], present: set[int]) -> list[int]:
        chosen: list[int] = []
        alone, pairs, needs = self._alone, self._pairs, self._needs
        for number in found:
            if number in alone:
                chosen += alone[number]
            if number in pairs:
                others = pairs[number]
                # Walks the smaller side: a text holds a handful of words, a word may have thousands of partners.
                for other in others.keys() & present:
                    chosen += others[other]
        kept: list[int] = []
        for pattern in set(chosen):
            # Loops, not `any`: a generator costs more than the few sets it would look at.
            for words in needs[pattern]:
                if words.isdisjoint(present):
                    break
            else:
                kept.append(pattern)
        return kept


class _BitTable:
    """Patterns made of everyday words: nearly every text holds some of them, hardly one holds what a pattern needs.

    A number of as many bits as there are patterns says which of them a word serves, one such number for each of
    the first sets of words side by side; the words of a text are joined by `or`, the sets by `and`. That takes
    half the time of looking up pairs of words that are found in every text.

    Args:
        anchors: for each pattern its sets, the rarest first, two or more.
        first: numbers the words of the first set, that decide whether a text is looked at.
        other: numbers the words of the other sets.
        disturbing: so many of the first words are no words, but show that the text is not normalised.

    Attributes:
        first: by word, the bits of the patterns whose first set it serves; for disturbing ones the bit `disturbed`.
        normalized: the same without that bit, for normalised text.
    """

    def __init__(
        self, anchors: Mapping[int, Anchors], *, first: _Numbers, other: _Numbers, disturbing: int
    ) -> None:
        self._patterns = list(anchors)
        self._size = size = len(anchors)
        by_first: dict[int, int] = {}
        by_other: dict[int, int] = {}
        # Bits of the sets that a pattern does not have, which are always served.
        self._served = 0
        for bit, sets in enumerate(anchors.values()):
            _mark(by_first, first.of(sets[0]), 1 << bit)
            for level in range(1, _LEVELS):
                place = 1 << (level * size + bit)
                if level < len(sets):
                    _mark(by_other, other.of(sets[level]), place)
                else:
                    self._served |= place
        self.disturbed = 1 << size
        self.normalized = [by_first.get(number, 0) for number in range(len(first.words))]
        self.first = [self.disturbed] * disturbing + self.normalized[disturbing:]
        self._other = [by_other.get(number, 0) for number in range(len(other.words))]

    def patterns(self, bits: int, others: list[tuple[int, int, int]]) -> list[int]:
        """Return those of whose first sets a text holds a word each, ascending.

        Args:
            bits: what its words of the first set serve, joined.
            others: its scan for the other words.
        """
        masks = self._other
        bits |= self._served
        for _, _, number in others:
            bits |= masks[number]
        size = self._size
        left = bits & ((1 << size) - 1)
        for _ in range(1, _LEVELS):
            bits >>= size
            left &= bits
        numbers: list[int] = []
        while left:
            lowest = left & -left
            numbers.append(self._patterns[lowest.bit_length() - 1])
            left ^= lowest
        return numbers


def _mark(masks: dict[int, int], numbers: Iterable[int], bit: int) -> None:
    for number in numbers:
        masks[number] = masks.get(number, 0) | bit


def _common_patterns(anchors: Sequence[Anchors]) -> list[int]:
    """Return the patterns whose rarest words many texts hold, ascending; at most `_MAX_COMMON`."""
    likely = [
        (_commonness(sets[0]), pattern)
        for pattern, sets in enumerate(anchors)
        if len(sets) > 1 and _commonness(sets[0]) > _EVERYDAY
    ]
    return sorted(pattern for _, pattern in sorted(likely, reverse=True)[:_MAX_COMMON])


class _Numbers:
    """Numbers words in the order in which they are first met; sets of words come back, so they are kept."""

    def __init__(self) -> None:
        self.words: dict[str, int] = {}
        self._sets: dict[frozenset[str], frozenset[int]] = {}

    def of(self, words: frozenset[str]) -> frozenset[int]:
        numbers = self._sets.get(words)
        if numbers is None:
            known = self.words
            numbers = self._sets[words] = frozenset(known.setdefault(word, len(known)) for word in words)
        return numbers


@cache
def _commonness(words: frozenset[str]) -> float:
    """Guess how likely an ordinary utterance is to hold one of `words`."""
    return sum(_COMMONNESS.get(word) or _guess(word) for word in words)


@cache
def _guess(word: str) -> float:
    """Guess how common a word is by its rarest letter and its length."""
    return min(_COMMONNESS.get(letter, _UNCOMMON) for letter in word) * _PER_LETTER ** (len(word) - 1)


def automaton(words: Iterable[str]) -> Any:  # noqa: ANN401 - daachorse has no types
    """Return what finds words in a text, numbered in their order; it takes 0.23 MB and more."""
    import daachorse  # noqa: PLC0415 - keep importing this module free

    return daachorse.CharwiseDoubleArrayAhoCorasick(list(words) or ["\ue000"])
