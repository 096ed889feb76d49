"""A second opinion: a linear model over short strings of letters that judges a whole sentence.

It may veto a hit of a pattern that it was trained beside, or tell a notice where no rule speaks. Trained by
`training` from labelled sentences; here it is only read and asked. docs/second-opinion.md says what it is worth.
"""

from __future__ import annotations

import base64
import binascii
import gzip
import hashlib
import math
import re
import zlib
from array import array
from bisect import bisect_left, bisect_right
from dataclasses import dataclass, replace
from functools import cache, cached_property
from itertools import accumulate, pairwise
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final

import orjson

from coach.language.text import CLAUSE_MARKS
from coach.rulebook.trace import Trace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from coach.language.text import Normalized
    from coach.rulebook.rules import Rule

NAME: Final = "second-opinion"
MODEL_FILE: Final = f"{NAME}.json.gz"
LONGEST_GRAM: Final = 3
# Long turns are judged in pieces of whole clauses, about as long as the sentences of the training.
PIECE: Final = 40
_FEWEST_HAN: Final = 5
_ENOUGH_HAN: Final = re.compile(f"(?:[^\u4e00-\u9fff]*[\u4e00-\u9fff]){{{_FEWEST_HAN}}}")
_CLAUSE: Final = re.compile(f"[{CLAUSE_MARKS} ]+")
# What makes no difference to tone: which polite you, which mark but the question mark, which digit.
_SAME: Final = (("您", "你"), ("。", "，"), ("；", "，"), ("！", "，"))
_DIGIT: Final = re.compile("[1-9]")
_EDGES: Final = ("^", "$")
_REASONS: Final = 3
_NUMBER: Final = itemgetter(2)
ANY: Final = "any"
_VERSION: Final = 2


@dataclass(frozen=True, slots=True)
class OpinionModel:
    """What was learnt.

    Attributes:
        grams: strings of one to three letters, `^` and `$` being the edges of a sentence.
        weights: for each category, and for `any`, the weight of each gram in log odds.
        bias: likewise, the log odds of a sentence without any gram.
        patterns: `fingerprint` of every pattern that was there at the training; no other is ever vetoed.
        sentences: how many it was trained on.
    """

    grams: tuple[str, ...]
    weights: Mapping[str, Sequence[float]]
    bias: Mapping[str, float]
    patterns: frozenset[str]
    sentences: int


class Opinion:
    """Judges sentences.

    Args:
        model: what was learnt.
        veto_below: a hit whose category is less likely than this (0 to 1) is vetoed.
        notice_above: a category likelier than this is told when no rule found anything.
        notices: the rule to tell for each category; a category without one is never told.
    """

    def __init__(
        self, model: OpinionModel, *, veto_below: float, notice_above: float, notices: Mapping[str, Rule]
    ) -> None:
        self.model = model
        self.veto_below = veto_below
        self.notice_above = notice_above
        self.notices = dict(notices)

    def features(self, text: str) -> set[int]:
        """Return the numbers of the known grams of normalised `text`."""
        return set(map(_NUMBER, self._scan(spell(text))))

    @cached_property
    def _scan(self) -> Callable[[str], list[tuple[int, int, int]]]:
        """Find all grams in one pass: a third of the time of looking up every string of one to three letters."""
        import daachorse  # noqa: PLC0415 - keep importing this module free

        scan: Callable[[str], list[tuple[int, int, int]]]
        scan = daachorse.CharwiseDoubleArrayAhoCorasick(list(self.model.grams) or ["\ue000"]).find_overlapping
        return scan

    def probability(self, category: str, features: Iterable[int]) -> float:
        """Return how likely (0 to 1) a supervisor would mark a sentence with `category`."""
        weights = self.model.weights[category]
        odds = self.model.bias[category] + sum(map(weights.__getitem__, features))
        return 1 / (1 + math.exp(-min(max(odds, -30.0), 30.0)))

    def review(
        self,
        normalized: Normalized,
        traces: list[Trace],
        *,
        closed: bool,
        cut: Callable[[str], list[str]],
    ) -> list[Trace]:
        """Veto the hits that are none, and add a notice where no hit is left.

        Args:
            traces: what the rules found in `normalized`.
            closed: False for partial text, where nothing is added: words still to come may change the tone.
            cut: cuts normalised text into words; what is marked are whole ones.
        """
        judged: list[Trace] = []
        # Thousands of hits in a text without a mark share one window.
        seen: dict[str, set[int]] = {}
        for trace in traces:
            because = self.vetoes(trace, normalized, seen) if trace.is_hit else ""
            judged.append(replace(trace, stopped=because, stopped_by="opinion") if because else trace)
        if closed and not any(trace.is_hit for trace in judged):
            # What a rule has looked at and let pass, an offer say, is not told after all.
            passed = frozenset(trace.rule.category for trace in judged)
            if notice := self.notice(normalized, without=passed, cut=cut):
                judged.append(notice)
        return judged

    def vetoes(self, trace: Trace, normalized: Normalized, seen: dict[str, set[int]]) -> str:
        """Return why a hit is no fault after all, "" when it stands.

        Args:
            seen: features of stretches of text that were asked for before; more are noted there.
        """
        category = trace.rule.category
        if (
            category not in self.model.weights
            or trace.by_sound
            or fingerprint(trace.rule.id, trace.pattern) not in self.model.patterns
        ):
            return ""
        start, end = normalized.back(trace.start, trace.end)
        around = normalized.text[slice(*_window(normalized.text, start, end))]
        features = seen.get(around)
        if features is None:
            features = seen[around] = self.features(around)
        likely = self.probability(category, features)
        if likely >= self.veto_below:
            return ""
        words = "、".join(f"「{gram}」" for gram in self.reasons(category, features, against=True))
        return f"第二意见：整句更像平常话（依据 {words}；是毛病的把握 {likely:.1%}）"

    def suspects(self, text: str) -> bool:
        """Tell whether some piece of normalised `text` may deserve a notice; the cheap first question."""
        return any(
            self.probability(ANY, self.features(text[start:end])) > self.notice_above / 2
            for start, end in _pieces(text)
        )

    def notice(
        self, normalized: Normalized, *, without: frozenset[str], cut: Callable[[str], list[str]]
    ) -> Trace | None:
        """Return the likeliest fault that no rule found, or None.

        Args:
            normalized: a whole sentence, never partial text.
            without: categories that a rule has looked at and let pass.
            cut: as for `review`.
        """
        best: tuple[float, str, int, int] | None = None
        for start, end in _pieces(normalized.text):
            features = self.features(normalized.text[start:end])
            if self.probability(ANY, features) <= self.notice_above / 2:
                continue
            for category in self.notices.keys() - without:
                likely = self.probability(category, features)
                if likely > self.notice_above and (best is None or (likely, category) > best[:2]):
                    best = (likely, category, start, end)
        if best is None:
            return None
        likely, category, start, end = best
        piece = normalized.text[start:end]
        words = "、".join(f"「{gram}」" for gram in self.reasons(category, self.features(piece)))
        rule = self.notices[category]
        left, right = _whole_words(cut(piece), *self._stretch(category, piece))
        first, last = normalized.span(start + left, start + right)
        return Trace(
            replace(rule, explain=f"{rule.explain}（第二意见，把握 {likely:.0%}，依据 {words}）"),
            "",
            first,
            last,
            rule.severity,
        )

    def reasons(self, category: str, features: Iterable[int], *, against: bool = False) -> list[str]:
        """Return the grams that speak most for `category`, or against it, none inside another."""
        weights = self.model.weights[category]
        sign = -1 if against else 1
        chosen: list[str] = []
        for number in sorted(features, key=lambda number: -sign * weights[number]):
            gram = self.model.grams[number].strip("".join(_EDGES) + "，")
            if len(chosen) == _REASONS or weights[number] * sign <= 0:
                break
            if gram and not any(gram in other or other in gram for other in chosen):
                chosen.append(gram)
        return chosen

    def _stretch(self, category: str, piece: str) -> tuple[int, int]:
        """Return the stretch of a piece whose letters speak for the category: the largest sum."""
        weights = self.model.weights[category]
        letters = _same(piece)
        share = [0.0] * len(letters)
        for start, end, number in self._scan(letters):
            for at in range(start, end):
                share[at] += weights[number] / (end - start)
        best, left, right, total, begin = -math.inf, 0, len(letters), 0.0, 0
        for at, value in enumerate(share):
            if total <= 0:
                total, begin = 0.0, at
            total += value
            if total > best:
                best, left, right = total, begin, at + 1
        while right - left > 1 and letters[right - 1] in CLAUSE_MARKS:
            right -= 1
        while right - left > 1 and letters[left] in CLAUSE_MARKS:
            left += 1
        return left, right


def is_opinion(rule: str) -> bool:
    """Tell whether a rule id names a notice of the second opinion."""
    return rule.endswith(f"/{NAME}")


def spell(text: str) -> str:
    """Write normalised text as the model reads it: edges marked, what makes no difference made the same."""
    return f"{_EDGES[0]}{_same(text)}{_EDGES[1]}"


def _same(text: str) -> str:
    # A third of the time of `str.translate`: hardly any of these is there.
    for one, other in _SAME:
        text = text.replace(one, other)
    return _DIGIT.sub("0", text) if _DIGIT.search(text) else text


@cache
def fingerprint(rule: str, pattern: str) -> str:
    """Name a pattern of a rule in eight hex digits."""
    return hashlib.sha256(f"{rule}\0{pattern}".encode()).hexdigest()[:8]


def dump(model: OpinionModel) -> bytes:
    """Write a model: the same bytes for the same model, a few hundred kilobytes."""
    weights: dict[str, Any] = {}
    for name, values in model.weights.items():
        scale = max((abs(value) for value in values), default=0.0) / 127 or 1.0
        steps = bytes(round(value / scale) & 0xFF for value in values)
        weights[name] = {
            "bias": round(model.bias[name], 4),
            "scale": round(scale, 8),
            "steps": base64.b64encode(steps).decode("ascii"),
        }
    content = {
        "version": _VERSION,
        "sentences": model.sentences,
        "grams": list(model.grams),
        "weights": weights,
        "patterns": sorted(model.patterns),
    }
    return gzip.compress(orjson.dumps(content), mtime=0)


def read(path: Path) -> OpinionModel:
    """Read a model.

    Raises:
        ValueError: it is no model of this version; says what was found.
        OSError: it cannot be read.
    """
    try:
        content = orjson.loads(gzip.decompress(path.read_bytes()))
        if content["version"] != _VERSION:
            raise ValueError(f"版本 {content['version']!r} 不认识，这一版 coach 只读版本 {_VERSION}")
        weights: dict[str, tuple[float, ...]] = {}
        bias: dict[str, float] = {}
        for name, learnt in content["weights"].items():
            steps = base64.b64decode(learnt["steps"])
            scale = float(learnt["scale"])
            # Signed bytes; all grams share 256 numbers.
            signed = [step - 256 if step > 127 else step for step in range(256)]  # noqa: PLR2004
            levels = array("f", [step * scale for step in signed]).tolist()
            weights[name] = tuple([levels[step] for step in steps])
            bias[name] = float(learnt["bias"])
            if len(steps) != len(content["grams"]):
                raise ValueError(f"{name} 的权重有 {len(steps)} 个，应为 {len(content['grams'])} 个")
        return OpinionModel(
            tuple(content["grams"]), weights, bias, frozenset(content["patterns"]), int(content["sentences"])
        )
    except (
        gzip.BadGzipFile,
        zlib.error,
        binascii.Error,
        EOFError,
        KeyError,
        TypeError,
        orjson.JSONDecodeError,
    ) as error:
        raise ValueError(f"不是第二意见的模型文件：{error!r}") from error


def _whole_words(words: list[str], start: int, end: int) -> tuple[int, int]:
    """Widen a stretch of the text that these words make to whole words; its grams begin and end anywhere."""
    edges = list(accumulate(map(len, words), initial=0))
    return edges[bisect_right(edges, start) - 1], edges[bisect_left(edges, end)]


def _bounds(text: str) -> list[int]:
    ends = [found.end() for found in _CLAUSE.finditer(text)]
    return sorted({0, *ends, len(text)})


def _window(text: str, start: int, end: int) -> tuple[int, int]:
    """Return the clauses around characters `start` to `end`, as many as make a piece."""
    bounds = _bounds(text)
    left = max(index for index, bound in enumerate(bounds) if bound <= start)
    right = min(index for index, bound in enumerate(bounds) if bound >= end)
    grown = True
    while grown:
        grown = False
        if left and bounds[right] - bounds[left - 1] <= PIECE:
            left, grown = left - 1, True
        if right + 1 < len(bounds) and bounds[right + 1] - bounds[left] <= PIECE:
            right, grown = right + 1, True
    return bounds[left], bounds[right]


def _pieces(text: str) -> Iterator[tuple[int, int]]:
    """Cut a text into pieces of whole clauses that are long enough to be judged."""
    if len(text) <= PIECE:
        cuts: Sequence[int] = (0, len(text))
    else:
        bounds = _bounds(text)
        cuts = [0]
        for before, after in pairwise(bounds):
            if after - cuts[-1] > PIECE and before > cuts[-1]:
                cuts.append(before)
        cuts.append(len(text))
    for start, end in pairwise(cuts):
        if _ENOUGH_HAN.match(text, start, end):
            yield start, end
