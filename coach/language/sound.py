"""Sounds: toneless pinyin, one private character per syllable.

A recogniser that mishears writes another character of the same sound (不知道 as 部知道). Comparing
syllables instead of characters finds those; whether to believe the finding is the caller's business.
"""

from __future__ import annotations

import unicodedata
from functools import cache

_FIRST_SYLLABLE = 0xE100


@cache
def _syllable_table() -> dict[int, str]:
    """Map each Han character to the private character of its most common toneless syllable."""
    from pypinyin.pinyin_dict import pinyin_dict  # noqa: PLC0415 - large, only when sounds are used

    syllables: dict[str, str] = {}
    table: dict[int, str] = {}
    for code, readings in pinyin_dict.items():
        syllable = _without_tone(readings.split(",", 1)[0])
        table[code] = syllables.setdefault(syllable, chr(_FIRST_SYLLABLE + len(syllables)))
    return table


def _without_tone(reading: str) -> str:
    """Strip the tone: nǐ becomes ni; ü keeps its dots, because nü and nu are different sounds."""
    decomposed = unicodedata.normalize("NFD", reading)
    kept = (mark for mark in decomposed if unicodedata.category(mark) != "Mn" or mark == "\u0308")
    return unicodedata.normalize("NFC", "".join(kept))


def sounds(text: str) -> str:
    """Return `text` with every Han character replaced by its syllable; same length, other characters stay."""
    return text.translate(_syllable_table())
