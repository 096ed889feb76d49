"""Normalise what a recogniser wrote, and map every span back to the original characters.

Traditional to Simplified, width, case, spaces, fillers and stutter. 您 stays: patterns treat 你 and 您
as one letter instead, so that ordinary text needs no copy at all.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left, bisect_right
from functools import cache, lru_cache

# A clause ends at any of these. Everything that a writer may use instead is mapped to one of them.
CLAUSE_MARKS = "，。？！；"

# Sounds of hesitation that carry no meaning inside a sentence. 额 is missing on purpose: 额度, 全额.
_HESITATIONS = frozenset("嗯呃诶欸唉哎")
# 唔 is a hesitation in Mandarin and the negation in Cantonese (唔知, 唔关我事): kept before these.
_CANTONESE_AFTER = frozenset("知该好系使得关清识需会可能同到了")
# Repeating one of these is a stutter, never a word (看看, 试试, 谢谢 stay).
_STUTTERED = "我你您他她这那不就"

_QUOTES = frozenset("“”‘’\"'「」『』《》〈〉()（）【】[]{}")
_MARKS_1TO1 = {
    "、": "，", "：": "，", ":": "，", "…": "，", "—": "，", "–": "，", "~": "，", "～": "，", "·": "，",
    "|": "，", "?": "？", "!": "！", ";": "；", "｡": "。", "\n": "。", "\r": "。",
}  # fmt: skip
_MARK_TABLE = str.maketrans(_MARKS_1TO1)
_MARK = re.compile(f"[{re.escape(''.join(_MARKS_1TO1))}]")
_STUTTER = re.compile(rf"([{_STUTTERED}])\1+")
# 着 is written 著 in Traditional text; these words keep 著.
_ZHU = re.compile(r"(?<![显原名土编合专论拙])著(?![名作书称述者])")
# Traditional spellings that the character table leaves alone, because of 甚至 and 瞭望.
_WORDS = (("甚么", "什么"), ("瞭解", "了解"), ("明瞭", "明了"))
_LETTERS = frozenset("abcdefghijklmnopqrstuvwxyz0123456789")
# What stays, goes or becomes a mark by its neighbours; named where it becomes a mark. See `_inside_word`.
_BESIDE = re.compile(
    r"(?P<mark>(?:(?<![a-z0-9])[.,])|(?:[.,](?![a-z0-9])))"
    r"|(?<![a-z0-9]) | (?![a-z0-9])|,"
    rf"|唔(?! *[{''.join(sorted(_CANTONESE_AFTER))}])"
)
_BESIDE_ANY = re.compile("[., 唔]")
_BESIDE_AS = {".": "。", ",": "，"}
_LETTER_TABLE = str.maketrans({**_MARKS_1TO1, **dict.fromkeys(_HESITATIONS | _QUOTES, "")})
_SURROGATE = re.compile("[\ud800-\udfff]")


class Normalized:
    """A normalised copy and its way back.

    Args:
        original: the text as it came.
        text: the normalised copy, the only thing patterns see.
        moved: whether characters of `text` may stand elsewhere than in `original`. The map back is made only
            when it is asked for: most texts hold no hit, and making it costs five times the copy.
    """

    __slots__ = ("_map", "_moved", "original", "text")

    def __init__(self, original: str, text: str, *, moved: bool = False) -> None:
        self.original = original
        self.text = text
        self._moved = moved
        self._map: tuple[tuple[int, ...], tuple[int, ...]] | None = None

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Map a non-empty span of `text` to character offsets of `original`."""
        if not self._moved:
            return start, end
        if self._map is None:
            self._map = _trace(self.original)[1:]
        starts, ends = self._map
        return starts[start], ends[end - 1]

    def back(self, start: int, end: int) -> tuple[int, int]:
        """Map a span of `original` to characters of `text`."""
        if not self._moved:
            return start, end
        if self._map is None:
            self._map = _trace(self.original)[1:]
        starts, ends = self._map
        return bisect_left(starts, start), bisect_right(ends, end)

    def respelled(self, text: str) -> Normalized:
        """Return a copy whose text is `text`, another spelling of the same characters one by one."""
        return Normalized(self.original, text, moved=self._moved)


@cache
def _character_table() -> dict[str, str]:
    """Build what each single character becomes; characters that stay are absent (0.05 s, once)."""
    import opencc  # noqa: PLC0415 - loads its dictionaries, so only when first needed

    han = [chr(code) for block in ((0x3400, 0x4DC0), (0x4E00, 0xA000)) for code in range(*block)]
    # One character a line keeps OpenCC's phrase dictionary out: offsets must stay one to one.
    simplified = opencc.OpenCC("t2s").convert("\n".join(han)).split("\n")
    table = {old: new for old, new in zip(han, simplified, strict=True) if old != new and len(new) == 1}
    # 薴 becomes 苧, which becomes 苎: one step, or normalising twice would give something else.
    table = {old: table.get(new, new) for old, new in table.items()}
    for code in (
        *range(0x20, 0x2000),
        *range(0x3000, 0x3400),
        *range(0xF900, 0xFB00),
        *range(0xFE30, 0x10000),
    ):
        character = chr(code)
        folded = unicodedata.normalize("NFKC", character).lower()
        if folded != character:
            # A compatibility character may stand for a Traditional one.
            table[character] = "".join(table.get(letter, letter) for letter in folded)
    for code in range(0x10000):
        character = chr(code)
        if character.isspace():
            table[character] = " "
        elif unicodedata.category(character) == "Cf":
            table[character] = ""
        elif unicodedata.category(character) == "Cs":
            table[character] = "\ufffd"
    for character in (*_MARKS_1TO1, *CLAUSE_MARKS):
        table.pop(character, None)
    table.update({"妳": "你", "喎": "哦"})
    table.pop("甚", None)
    return table


@cache
def _fold_table() -> dict[int, str]:
    """Return `_character_table` as `str.translate` wants it."""
    return {ord(old): new for old, new in _character_table().items()}


@cache
def disturbing_pieces() -> tuple[str, ...]:
    """Return the short strings whose presence means that `normalize` would change letters.

    A scan that looks for these along with the anchors may skip normalising when it finds none:
    without them, no literal can appear in the normalised text that is not in the original.
    """
    singles = {old for old in _character_table() if not _SURROGATE.match(old)}
    singles |= _HESITATIONS | _QUOTES | {"唔", "著", " ", ".", ","}
    singles -= set(_MARKS_1TO1) | set(CLAUSE_MARKS)
    return (*sorted(singles), *(letter * 2 for letter in _STUTTERED), *(old for old, _ in _WORDS))


def normalize_marks(text: str) -> str:
    """Normalise text that is known to hold none of `disturbing_pieces`: marks only, one for one."""
    # Looking first is ten times cheaper than translating, and most text has none.
    return text.translate(_MARK_TABLE) if _MARK.search(text) else text


def normalize(text: str) -> Normalized:
    """Normalise any text.

    Args:
        text: what the recogniser wrote, in characters (code points).

    Returns:
        The copy and the map back. Idempotent: normalising `Normalized.text` again changes nothing.
    """
    folded = text.translate(_fold_table())
    if _BESIDE_ANY.search(folded):
        folded = _BESIDE.sub(_beside, folded)
    joined = folded.translate(_LETTER_TABLE)
    return Normalized(text, _spell(_STUTTER.sub(r"\1", joined)), moved=True)


def _beside(found: re.Match[str]) -> str:
    """Write a character whose meaning depends on what stands beside it."""
    return _BESIDE_AS[found[0]] if found.lastgroup else ""


def _spell(text: str) -> str:
    """Correct spellings of Traditional text; one letter for one letter, so the offsets stay as they are."""
    if "著" in text:
        text = _ZHU.sub("着", text)
    for traditional, simplified in _WORDS:
        text = text.replace(traditional, simplified)
    return text


def _trace(text: str) -> tuple[str, tuple[int, ...], tuple[int, ...]]:
    """Normalise letter by letter: the copy, and where each of its characters starts and ends in `text`.

    The slow twin of `normalize`, which copies whole stretches; a test holds both to the same copy.
    """
    table = _character_table()
    letters: list[str] = []
    starts: list[int] = []

    def put(letter: str, index: int) -> None:
        letters.append(letter)
        starts.append(index)

    places = [
        (letter, index) for index, character in enumerate(text) for letter in table.get(character, character)
    ]
    folded = "".join(letter for letter, _ in places)
    for at, (letter, index) in enumerate(places):
        if letter in _MARKS_1TO1:
            put(_MARKS_1TO1[letter], index)
        elif letter in ".,":
            if not _inside_word(folded, at):
                put("。" if letter == "." else "，", index)
            elif letter == ".":
                put(letter, index)
        elif letter == " ":
            if _inside_word(folded, at):
                put(letter, index)
        elif not (
            letter in _HESITATIONS
            or letter in _QUOTES
            or (letter == "唔" and folded[at + 1 :].lstrip(" ")[:1] not in _CANTONESE_AFTER)
        ):
            put(letter, index)
    joined = "".join(letters)
    keep = [True] * len(letters)
    for run in _STUTTER.finditer(joined):
        # The last one stays: it is the one that the speaker went on from.
        keep[run.start() : run.end() - 1] = [False] * (run.end() - run.start() - 1)
    starts = [start for start, kept in zip(starts, keep, strict=True) if kept]
    joined = "".join(letter for letter, kept in zip(joined, keep, strict=True) if kept)
    return _spell(joined), tuple(starts), tuple(start + 1 for start in starts)


def well_formed(text: str) -> str:
    """Return `text`, as long as before, with U+FFFD for lone surrogates, which have no UTF-8 form."""
    return _SURROGATE.sub("\ufffd", text)


# The same words come back in thousands of patterns; a rule book loads in half the time.
@lru_cache(maxsize=1 << 16)
def normalize_literal(text: str) -> str:
    """Normalise a word from a rule file the way the text will be, without the map."""
    return normalize(text).text


def _inside_word(text: str, index: int) -> bool:
    """Tell whether the character at `index` stands between two Latin letters or digits."""
    if index == 0 or index + 1 >= len(text):
        return False
    return text[index - 1] in _LETTERS and text[index + 1] in _LETTERS
