"""What a change of rules does to recorded calls: hits that come, go or weigh otherwise, and the scores."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import orjson

if TYPE_CHECKING:
    from pathlib import Path

    from coach.review.result import CallResult, Origin, ResultHit
    from coach.review.tally import Tally

EXAMPLES: Final = 5


@dataclass(frozen=True, slots=True)
class HitInContext:
    """A hit that only one of the rule sets finds, or that both find with different severities.

    Attributes:
        before: the turn before, "" at the start of the call.
        said: the whole turn of the hit.
        was: the severity with the old rules, "" when they do not find it.
    """

    hit: ResultHit
    before: str
    said: str
    was: str = ""


@dataclass(frozen=True, slots=True)
class CallDifference:
    """How one call differs between two rule sets. One JSON line in differences.jsonl."""

    id: str
    source: Origin
    old_points: float
    new_points: float
    old_passed: bool
    new_passed: bool
    appeared: tuple[HitInContext, ...]
    vanished: tuple[HitInContext, ...]
    changed: tuple[HitInContext, ...]


def difference(old: CallResult, new: CallResult) -> CallDifference | None:
    """Compare two results of the same call; None when nothing differs."""
    before = {(hit.turn, hit.rule, hit.start, hit.end): hit for hit in old.hits}
    after = {(hit.turn, hit.rule, hit.start, hit.end): hit for hit in new.hits}
    appeared = [_in_context(new, hit) for key, hit in after.items() if key not in before]
    vanished = [_in_context(old, hit, was=hit.severity) for key, hit in before.items() if key not in after]
    changed = [
        _in_context(new, hit, was=before[key].severity)
        for key, hit in after.items()
        if key in before and before[key].severity != hit.severity
    ]
    if not (appeared or vanished or changed) and old.score == new.score:
        return None
    return CallDifference(
        id=new.id,
        source=new.source,
        old_points=old.score.points,
        new_points=new.score.points,
        old_passed=old.score.passed,
        new_passed=new.score.passed,
        appeared=tuple(appeared),
        vanished=tuple(vanished),
        changed=tuple(changed),
    )


def _in_context(result: CallResult, hit: ResultHit, *, was: str = "") -> HitInContext:
    before = result.turns[hit.turn - 1].text if hit.turn else ""
    return HitInContext(hit, before, result.turns[hit.turn].text, was)


@dataclass(slots=True)
class RuleChange:
    """One rule's part of the difference; `examples` hold up to five hits of each kind, as JSON values."""

    old: int = 0
    new: int = 0
    appeared: int = 0
    vanished: int = 0
    changed: int = 0
    examples: dict[str, list[dict[str, Any]]] = field(default_factory=dict)


def summarise(differences: Path, tally: Tally) -> dict[str, Any]:
    """Add up differences.jsonl in one pass.

    Args:
        differences: the file; memory does not grow with it.
        tally: counts of the whole run.

    Returns:
        Plain values for compare.json: calls, points and passes with both rule sets, and every rule that changed.
    """
    rules: dict[str, RuleChange] = {}
    counts: Counter[str] = Counter()
    with differences.open("rb") as lines:
        for line in lines:
            call = orjson.loads(line)
            counts["changed_calls"] += 1
            counts["better"] += call["new_points"] > call["old_points"]
            counts["worse"] += call["new_points"] < call["old_points"]
            counts["now_passed"] += call["new_passed"] and not call["old_passed"]
            counts["now_failed"] += call["old_passed"] and not call["new_passed"]
            for kind in ("appeared", "vanished", "changed"):
                for each in call[kind]:
                    rule = rules.setdefault(each["hit"]["rule"], RuleChange())
                    setattr(rule, kind, getattr(rule, kind) + 1)
                    kept = rule.examples.setdefault(kind, [])
                    if len(kept) < EXAMPLES:
                        kept.append({"call": call["id"], "source": call["source"], **each})
    for name, rule in rules.items():
        rule.old, rule.new = tally.old_rules[name], tally.rules[name]
    ordered = sorted(rules.items(), key=lambda item: (-(item[1].appeared + item[1].vanished), item[0]))
    return {
        "calls": tally.calls,
        **{key: counts[key] for key in ("changed_calls", "better", "worse", "now_passed", "now_failed")},
        "old": {
            "hits": tally.old_rules.total(),
            "mean_points": tally.mean(tally.old_points),
            "passed": tally.old_passed,
        },
        "new": {"hits": tally.rules.total(), "mean_points": tally.mean(tally.points), "passed": tally.passed},
        "rules": {
            name: {
                "old": rule.old,
                "new": rule.new,
                "appeared": rule.appeared,
                "vanished": rule.vanished,
                "changed": rule.changed,
                "examples": rule.examples,
            }
            for name, rule in ordered
        },
    }
