"""Words: the only place that imports jieba.

rjieba segments exactly as jieba does with HMM off, at a fraction of the time, except around a few
characters; those sentences go to jieba itself (docs/decisions.md has the measurement).
"""

from __future__ import annotations

import importlib.util
import logging
import math
import re
import threading
import warnings
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

# Where rjieba and jieba were seen to differ: symbols inside words, rare and compatibility characters.
_ONLY_JIEBA = re.compile(r"[-_+#&.%]|[\u3400-\u4dbf\u9fd6-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")
# A word nobody can say; it carries the frequency that rjieba loses when a known word is added again.
_COUNTERWEIGHT = "\ue000\ue001"
_FLOOR = 1e-9
_LOG_FLOOR = math.log(_FLOOR)


class Tokenizer:
    """Cuts normalised text into words; deterministic, no guessing of unknown words (HMM off).

    Args:
        words: words that must stay whole, e.g. 没收到. Each is added with the lowest frequency that
            keeps it whole.

    The object is safe to share between threads after construction and can be pickled: a copy in another
    process loads its own dictionary.
    """

    def __init__(self, words: Iterable[str] = ()) -> None:
        self.words = tuple(sorted(set(words)))
        self._lock = threading.Lock()
        self._jieba: Any = None
        self._tags: dict[str, str] | None = None
        self._log_total: float | None = None
        self._fast = _load_rjieba() if self.words else _shared_rjieba()
        # Asked before any word is added, so that the order of the words does not matter.
        self._frequencies = {word: max(self._fast.suggest_freq(word), 5) for word in self.words}
        if self.words:
            self._add_words()
        self._cut = self._fast.cut

    def __reduce__(self) -> tuple[type[Tokenizer], tuple[tuple[str, ...]]]:
        """Pickle by content: the dictionaries themselves stay behind."""
        return type(self), (self.words,)

    def cut(self, text: str) -> list[str]:
        """Cut `text` into words; joined, they are the text again."""
        if _ONLY_JIEBA.search(text):
            return list(self._reference().lcut(text, HMM=False))
        tokens: list[str] = self._cut(text, False)
        return tokens

    def tag(self, word: str) -> str:
        """Return the part of speech of `word` in jieba's dictionary, "x" when it is not there."""
        if self._tags is None:
            self._tags = _dictionary_tags()
        return self._tags.get(word, "x")

    def log_probability(self, tokens: Iterable[str]) -> float:
        """Score a segmentation by jieba's word frequencies; higher is more like Chinese."""
        (shipped, shipped_total), added = _shipped_frequencies(), self._frequencies
        if self._log_total is None:
            # As jieba counts: every word that is added makes the total larger.
            self._log_total = math.log(shipped_total + sum(added.values()))
        score = 0.0
        for token in tokens:
            frequency = added[token] if token in added else shipped.get(token, 0)
            # A word that is in no dictionary, or in one without a frequency, is the rarest of all.
            score += (math.log(frequency) if frequency > _FLOOR else _LOG_FLOOR) - self._log_total
        return score

    def warm(self) -> None:
        """Load everything now, so that no call has to wait for it."""
        self._reference()
        self.cut("您好")
        self.tag("您好")
        self.log_probability(("您好",))

    def _reference(self) -> Any:  # noqa: ANN401 - jieba has no types
        if self._jieba is None:
            with self._lock:
                if self._jieba is None:
                    self._jieba = _load_jieba(self._frequencies)
        return self._jieba

    def _add_words(self) -> None:
        lost = 0
        for word, frequency in self._frequencies.items():
            if self._fast.has_word(word):
                lost += _shipped_frequencies()[0].get(word, 0)
            self._fast.add_word(word, frequency, "x")
        if lost:
            # rjieba subtracts the old frequency of a word that is added again and jieba does not;
            # without the counterweight every probability shifts (1.5 % of sentences differed).
            self._fast.add_word(_COUNTERWEIGHT, lost, "x")


def _load_rjieba() -> Any:  # noqa: ANN401 - rjieba has no types
    import rjieba  # noqa: PLC0415 - 0.2 s, only when a tokenizer is made

    return rjieba.Jieba()


@cache
def _shared_rjieba() -> Any:  # noqa: ANN401 - rjieba has no types
    """Return the one dictionary of all tokenizers that add nothing to it: 0.1 s and 25 MB a piece."""
    return _load_rjieba()


def _import_jieba() -> Any:  # noqa: ANN401 - jieba has no types
    with warnings.catch_warnings():
        # jieba 0.42.1 has invalid escapes and imports pkg_resources; exactly those are silenced.
        warnings.filterwarnings("ignore", message="invalid escape sequence")
        warnings.filterwarnings("ignore", message=".*pkg_resources.*")
        import jieba  # noqa: PLC0415 - 0.35 s, only when it is needed
    jieba.setLogLevel(logging.WARNING)
    return jieba


def _load_jieba(frequencies: dict[str, int]) -> Any:  # noqa: ANN401 - jieba has no types
    tokenizer = _import_jieba().Tokenizer()
    tokenizer.initialize()
    for word, frequency in frequencies.items():
        tokenizer.add_word(word, frequency, "x")
    return tokenizer


def _dictionary() -> list[str]:
    """Read jieba's dictionary, word, frequency and tag in turns, without importing jieba (0.4 s)."""
    package = importlib.util.find_spec("jieba")
    if package is None or not package.submodule_search_locations:
        raise ImportError("jieba is not installed")
    # All at once: line by line takes twice as long.
    return (Path(package.submodule_search_locations[0]) / "dict.txt").read_text("utf-8").split()


@cache
def _shipped_frequencies() -> tuple[dict[str, int], int]:
    """Return the frequency of each word and jieba's total, which counts a word listed twice twice."""
    written = _dictionary()
    frequencies = list(map(int, written[1::3]))
    return dict(zip(written[::3], frequencies, strict=True)), sum(frequencies)


@cache
def _dictionary_tags() -> dict[str, str]:
    written = _dictionary()
    return dict(zip(written[::3], written[2::3], strict=True))
