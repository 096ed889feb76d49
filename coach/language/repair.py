"""Repair words that a recogniser misheard, where the repaired text is plainly likelier Chinese.

A written stretch that sounds like a known form (不知道) but is spelled otherwise (部知道) is replaced by it
when jieba's word frequencies say so; where the text as written makes sense it is left alone.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from coach.language.sound import sounds
from coach.language.text import CLAUSE_MARKS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from coach.language.tokens import Tokenizer

# Natural logarithm of how much likelier the repaired text must be. Tuned on our own labelled sentences
# and on ordinary agent talk, where nearly every repair is wrong (docs/decisions.md).
MARGIN = 2.0
_CONTEXT = 6
_CLAUSE_MARK = re.compile(f"[{CLAUSE_MARKS}]")


@dataclass(frozen=True, slots=True)
class Repair:
    """The repaired text, as long as the written one, and the indexes of the characters that differ."""

    text: str
    changed: tuple[int, ...]


class Repairer:
    """Finds stretches that sound like one of `forms`.

    Args:
        forms: gives strings of three or more characters, as they should be written; asked on first use, since
            it takes a third of a second for the shipped rules.
        tokenizer: judges which of two spellings is likelier.
    """

    def __init__(self, forms: Callable[[], Iterable[str]], *, tokenizer: Tokenizer) -> None:
        self._ask_forms = forms
        self._forms: list[str] = []
        self._tokenizer = tokenizer
        self._scan: Any = None

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_scan": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)

    def suspects(self, text: str) -> list[tuple[int, int, str]]:
        """Return stretches that sound like a form but are written otherwise: start, end, form."""
        if self._scan is None:
            self._scan = self._build()
        scan, forms = self._scan, self._forms
        return [
            (start, end, forms[number])
            for start, end, number in scan(sounds(text))
            if text[start:end] != forms[number]
        ]

    def repair(self, text: str) -> Repair | None:
        """Repair normalised text, or return None when there is nothing to repair."""
        suspects = self.suspects(text)
        if not suspects:
            return None
        letters = list(text)
        changed: list[int] = []
        for start, end, form in sorted(suspects, key=lambda suspect: suspect[0] - suspect[1]):
            differing = [start + index for index, letter in enumerate(form) if text[start + index] != letter]
            if len(differing) == len(form) or any(index in changed for index in range(start, end)):
                continue
            if _same_person(text[start:end], form) or not self._likelier(text, start, end, form):
                continue
            for index in differing:
                letters[index] = form[index - start]
            changed += differing
        return Repair("".join(letters), tuple(sorted(changed))) if changed else None

    def _likelier(self, text: str, start: int, end: int, form: str) -> bool:
        left = start - len(_clause_end(text[max(0, start - _CONTEXT) : start]))
        right = end + len(_clause_begin(text[end : end + _CONTEXT]))
        cut, score = self._tokenizer.cut, self._tokenizer.log_probability
        written = cut(text[left:right])
        repaired = cut(text[left:start] + form + text[end:right])
        edges = _edges(repaired)
        if start - left not in edges or end - left not in edges:
            return False
        return score(repaired) - score(written) >= MARGIN

    def _build(self) -> Any:  # noqa: ANN401 - daachorse has no types
        import daachorse  # noqa: PLC0415 - keep importing this module free

        self._forms = forms = sorted(set(self._ask_forms()))
        keys = [sounds(form) for form in forms] or ["\ue000"]
        return daachorse.CharwiseDoubleArrayAhoCorasick(keys).find_overlapping


def _clause_begin(text: str) -> str:
    """Return what stands before the first clause mark."""
    return _CLAUSE_MARK.split(text, maxsplit=1)[0]


def _clause_end(text: str) -> str:
    """Return what stands after the last clause mark."""
    return _CLAUSE_MARK.split(text)[-1]


def _edges(tokens: list[str]) -> set[int]:
    """Return the offsets at which a word starts or ends."""
    edges, at = {0}, 0
    for token in tokens:
        at += len(token)
        edges.add(at)
    return edges


def _same_person(written: str, form: str) -> bool:
    """Tell whether two spellings differ only in words that sound alike and mean the same to a rule."""
    return written.translate(_FOLD) == form.translate(_FOLD)


_FOLD = str.maketrans({"您": "你", "她": "他", "它": "他", "做": "作", "的": "的", "地": "的", "得": "的"})
