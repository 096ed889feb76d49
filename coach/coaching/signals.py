"""What a customer's words say about him: complaint and its motive, leaving, escalating, haste.

The words are rules with `speaker: customer`; the second part of such a rule's id begins with the signal's
name. Weights add up and fade; the state, the motive and how sure it is follow from them.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from coach.rulebook.matcher import Matcher

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from coach.rulebook.book import Rulebook
    from coach.rulebook.trace import Trace

SignalCategory = Literal["customer-complaint", "churn-risk", "escalation-risk", "urgency"]
Motive = Literal["venting", "compensation", "contribution", "retaliation", "help-seeking", "explicit"]
CustomerMood = Literal["calm", "upset", "critical"]

CATEGORIES: tuple[SignalCategory, ...] = ("customer-complaint", "churn-risk", "escalation-risk", "urgency")
# Expert weights, not measurements: what it takes to call a customer upset (2) or critical (4).
_COMPLAINTS: dict[str, tuple[Motive, float]] = {
    "venting": ("venting", 2.0),
    "cue": ("venting", 1.0),
    "compensation": ("compensation", 3.0),
    "contribution": ("contribution", 1.0),
    "retaliation": ("retaliation", 5.0),
    "help-seeking": ("help-seeking", 0.5),
    "explicit": ("explicit", 4.0),
}
_OTHERS: dict[str, tuple[SignalCategory, float]] = {
    "churn-risk": ("churn-risk", 3.0),
    "escalation-risk": ("escalation-risk", 4.0),
    "urgency": ("urgency", 2.0),
}
_HALF_LIFE_MS = 60_000
_UPSET, _CRITICAL = 2.0, 4.0
# A signal is shown until so much is left of it: urgency for one minute, a risk for about two.
_SHOWN = 1.0


@dataclass(frozen=True, slots=True)
class Signal:
    """One signal of one turn.

    Attributes:
        name: what weighs: a motive's name, `cue`, or the category itself.
        motive: of a complaint; None for the other categories.
        words: what the customer said, original text.
    """

    category: SignalCategory
    name: str
    motive: Motive | None
    weight: float
    rule: str
    words: str


class SignalFinder:
    """Finds signals in a customer's words with the customer rules of one rule book.

    The modifiers of the rule book are not applied: they describe an agent's talk (an offer makes up for a
    refusal), while 如果再不解决我就投诉 loses nothing by its condition.
    """

    def __init__(self, rulebook: Rulebook, *, sound: bool = True) -> None:
        rules = [
            rule
            for rule in rulebook.rules
            if rule.status == "stable" and rule.speaker == "customer" and rule.category in CATEGORIES
        ]
        self._matcher = Matcher(rules, modifiers=(), tokenizer=rulebook.tokenizer, sound=sound)

    def compile(self) -> Iterator[None]:
        """Compile the patterns ahead, as `Matcher.compile` does."""
        return self._matcher.compile()

    def find(self, text: str) -> tuple[Signal, ...]:
        """Return the signals of one final utterance, at most one of each name, in order of appearance."""
        if self._matcher.quiet(text):
            return ()
        signals: dict[str, Signal] = {}
        for trace in self._matcher.find(text).traces:
            if trace.is_hit:
                signal = _signal(trace, text)
                signals.setdefault(signal.name, signal)
        return tuple(signals.values())


def _signal(trace: Trace, text: str) -> Signal:
    rule, words = trace.rule.id, text[trace.start : trace.end]
    category, _, what = rule.partition("/")
    if category in _OTHERS:
        other, weight = _OTHERS[category]
        return Signal(other, other, None, weight, rule, words)
    for name, (motive, weight) in _COMPLAINTS.items():
        if what == name or what.startswith(f"{name}-"):
            return Signal("customer-complaint", name, motive, weight, rule, words)
    # A site's own complaint rule that names no motive still counts as a complaint.
    return Signal("customer-complaint", "venting", "venting", _COMPLAINTS["venting"][1], rule, words)


class CustomerState:
    """How the customer is, from the signals so far. Times are ms from the start of the call."""

    def __init__(self, *, settled_ms: int = 60_000) -> None:
        self._settled_ms = settled_ms
        self._weights: defaultdict[str, float] = defaultdict(float)
        self._motives: defaultdict[Motive, float] = defaultdict(float)
        self._at_ms = 0

    def hear(self, signals: Iterable[Signal], at_ms: int) -> None:
        """Add the signals of one turn."""
        self._fade(at_ms)
        for signal in signals:
            self._weights[signal.category] += signal.weight
            if signal.motive is not None:
                self._motives[signal.motive] += signal.weight

    def weight(self, at_ms: int, *, category: SignalCategory | None = None) -> float:
        """Return the weight left at a time, of one category or of all together."""
        left = self._left(at_ms)
        chosen = self._weights.values() if category is None else [self._weights[category]]
        return left * sum(chosen)

    def mood(self, at_ms: int) -> CustomerMood:
        """Return calm, upset or critical."""
        weight = self.weight(at_ms)
        return "calm" if weight < _UPSET else "upset" if weight < _CRITICAL else "critical"

    def signals(self, at_ms: int) -> tuple[SignalCategory, ...]:
        """Return the categories that have not faded by this time."""
        if not self._weights:
            return ()
        left = self._left(at_ms)
        return tuple(name for name in CATEGORIES if left * self._weights.get(name, 0.0) >= _SHOWN)

    def motive(self) -> Motive | None:
        """Return why the customer complains, None while he does not.

        The motive behind an explicit complaint (我要投诉) is what else he said; help-seeking is the ordinary
        reason of a call and is a motive only beside a complaint.
        """
        complaints = {name: weight for name, weight in self._motives.items() if name != "help-seeking"}
        if not complaints:
            return None
        behind = {name: weight for name, weight in self._motives.items() if name != "explicit"} or complaints
        return max(behind, key=lambda name: behind[name])

    def is_settled(self, at_ms: int) -> bool:
        """Tell whether enough of the call was heard to rely on the motive."""
        return at_ms >= self._settled_ms

    def _left(self, at_ms: int) -> float:
        return float(0.5 ** (max(0, at_ms - self._at_ms) / _HALF_LIFE_MS))

    def _fade(self, at_ms: int) -> None:
        left = self._left(at_ms)
        for category in self._weights:
            self._weights[category] *= left
        for motive in self._motives:
            self._motives[motive] *= left
        self._at_ms = max(self._at_ms, at_ms)
