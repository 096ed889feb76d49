"""Sounds: toneless pinyin, one private character per syllable.

A recogniser that mishears writes another character of the same sound (不知道 as 部知道). Comparing
syllables instead of characters finds those; whether to believe the finding is the caller's business.
"""

from __future__ import annotations

import importlib.util
import unicodedata
from functools import cache
from pathlib import Path
from typing import Any

_FIRST_SYLLABLE = 0xE100
# Rarer characters, of which no recogniser writes any, sound like themselves.
_TABLE_SIZE = 0x10000


@cache
def _syllable_table() -> list[int]:
    """Map each character to the private character of its most common toneless syllable, others to themselves.

    A list, because `str.translate` looks a character up in it in two thirds of the time that a dict takes.
    """
    syllables: dict[str, int] = {}
    # Readings repeat: 1,500 of them for 44,000 characters.
    of_reading: dict[str, int] = {}
    table = list(range(_TABLE_SIZE))
    for code, readings in _readings().items():
        if code < _TABLE_SIZE:
            reading = readings.split(",", 1)[0]
            if reading not in of_reading:
                syllable = _without_tone(reading)
                of_reading[reading] = syllables.setdefault(syllable, _FIRST_SYLLABLE + len(syllables))
            table[code] = of_reading[reading]
    return table


def _readings() -> dict[int, str]:
    """Load pypinyin's table of characters alone: importing the package reads its phrases too, 0.2 s more."""
    package = importlib.util.find_spec("pypinyin")
    folder = Path((package.submodule_search_locations or [""])[0]) if package else Path()
    spec = importlib.util.spec_from_file_location("_coach_pinyin_dict", folder / "pinyin_dict.py")
    if spec is None or spec.loader is None:
        raise ImportError("pypinyin is not installed")
    module: Any = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    readings: dict[int, str] = module.pinyin_dict
    return readings


def _without_tone(reading: str) -> str:
    """Strip the tone: nǐ becomes ni; ü keeps its dots, because nü and nu are different sounds."""
    decomposed = unicodedata.normalize("NFD", reading)
    kept = (mark for mark in decomposed if unicodedata.category(mark) != "Mn" or mark == "\u0308")
    return unicodedata.normalize("NFC", "".join(kept))


def sounds(text: str) -> str:
    """Return `text` with every Han character replaced by its syllable; same length, other characters stay."""
    return text.translate(_syllable_table())
