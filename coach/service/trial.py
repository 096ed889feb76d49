"""What the playground asks: explain a sentence or a call, judge a draft, show its effect. Pure; plain values out."""

from __future__ import annotations

import re
from collections import OrderedDict
from typing import TYPE_CHECKING, Any, Final

from coach.coaching.effect import effect
from coach.coaching.events import Mark
from coach.coaching.review_call import CallReviewer, RecordedTurn
from coach.rulebook.draft import read_draft
from coach.rulebook.explain import Explainer
from coach.service.render import cut

if TYPE_CHECKING:
    from collections.abc import Sequence

    from coach.coaching.effect import Change
    from coach.coaching.events import Speaker
    from coach.rulebook.book import Rulebook
    from coach.rulebook.draft import Draft
    from coach.rulebook.explain import Explanation

_SPEAKER_LINE: Final = re.compile(
    r"\s*(客服|坐席|座席|agent|客户|顾客|用户|customer)\s*[:：]\s*(.*)", re.IGNORECASE
)
_CUSTOMERS: Final = frozenset({"客户", "顾客", "用户", "customer"})
# Whoever types goes back and forth between a few states of a draft.
_KEPT_DRAFTS: Final = 8
# A page with more rows is not read; the counts say how many there are.
_MAX_ROWS: Final = 200


def read_call(text: str) -> list[RecordedTurn] | None:
    """Read a call pasted as lines `客服：…` and `客户：…`; None for text without such lines.

    A line without a speaker goes on with the turn before it.
    """
    turns: list[tuple[Speaker, str]] = []
    for line in text.splitlines():
        if found := _SPEAKER_LINE.fullmatch(line):
            speaker: Speaker = "customer" if found[1].lower() in _CUSTOMERS else "agent"
            turns.append((speaker, found[2].strip()))
        elif turns and line.strip():
            turns[-1] = (turns[-1][0], f"{turns[-1][1]}，{line.strip()}".strip("，"))
        elif line.strip():
            return None
    return [RecordedTurn(speaker, said) for speaker, said in turns if said] or None


class Trial:
    """Answers questions about one rule book, and about drafts written against it."""

    def __init__(self, book: Rulebook) -> None:
        self._book = book
        self._explainer = Explainer(book)
        self._reviewer: CallReviewer | None = None
        self._drafts: OrderedDict[str, Draft] = OrderedDict()

    def warm(self) -> None:
        """Load dictionaries and automata, so that the first question is answered as fast as the next."""
        self._book.tokenizer.warm()
        self._explainer.explain("我部知道您说的是什么")

    def explain(
        self, *, text: str, customer: str, speaker: str, phase: str | None, yaml: str | None
    ) -> dict[str, Any]:
        """Explain a sentence, or every turn of a call written as lines `客服：…` and `客户：…`."""
        draft = self._draft(yaml) if yaml is not None else None
        usable = draft if draft is not None and not draft.problems else None
        turns = read_call(text)
        answer: dict[str, Any] = {
            "digest": self._book.digest,
            "draft": None if draft is None else {"rules": sorted(draft.ids), "usable": usable is not None},
            "call": turns is not None,
        }
        if turns is None:
            explained = self._explainer.explain(
                text, customer=customer, speaker=speaker, phase=phase, draft=usable
            )
            return {**answer, "turns": [_turn(explained, speaker, usable)], "moments": []}
        told: list[dict[str, Any]] = []
        for turn in turns:
            explained = self._explainer.explain(
                turn.text, customer=customer, speaker=turn.speaker, phase=phase, draft=usable
            )
            told.append(_turn(explained, turn.speaker, usable))
            if turn.speaker == "customer":
                customer = turn.text
        return {**answer, "turns": told, "moments": self._moments(turns)}

    def draft(self, *, yaml: str) -> dict[str, Any]:
        """Judge a draft: what is wrong with it, which of its examples pass, what lint says."""
        draft = self._draft(yaml)
        return {
            "digest": self._book.digest,
            "problems": [
                {
                    "line": each.line,
                    "column": each.column,
                    "where": each.where,
                    "message": each.message,
                }
                for each in draft.problems
            ],
            "rules": [
                {"id": rule.id, "title": rule.title, "known": rule.id in _ids(draft.replaced)}
                for rule in draft.book.rules
            ],
            "examples": [
                {
                    "rule": each.rule,
                    "text": each.text,
                    "line": each.line,
                    "column": each.column,
                    "wanted": each.wanted,
                    "passed": not each.problem,
                    "problem": each.problem,
                }
                for each in draft.examples()
            ],
            "findings": [
                {"level": each.level, "where": each.where, "message": each.message}
                for each in draft.findings()
            ],
        }

    def effect(self, *, yaml: str, calls: Sequence[tuple[str, Sequence[RecordedTurn]]]) -> dict[str, Any]:
        """Show what a draft would change over recorded calls; `problems` when it cannot be used."""
        draft = self._draft(yaml)
        total = effect(draft, () if draft.problems else calls)
        return {
            "usable": not draft.problems,
            "calls": total.calls,
            "turns": total.turns,
            "old_hits": total.old_hits,
            "new_hits": total.new_hits,
            "appeared": {
                "count": len(total.appeared),
                "rows": [_row(one) for one in total.appeared[:_MAX_ROWS]],
            },
            "vanished": {
                "count": len(total.vanished),
                "rows": [_row(one) for one in total.vanished[:_MAX_ROWS]],
            },
        }

    def _draft(self, yaml: str) -> Draft:
        draft = self._drafts.get(yaml)
        if draft is None:
            draft = self._drafts[yaml] = read_draft(yaml, self._book)
            if len(self._drafts) > _KEPT_DRAFTS:
                self._drafts.popitem(last=False)
        self._drafts.move_to_end(yaml)
        return draft

    def _moments(self, turns: list[RecordedTurn]) -> list[dict[str, Any]]:
        """Return the moments of a call that can be told without times."""
        if self._reviewer is None:
            self._reviewer = CallReviewer(self._book)
        review = self._reviewer.review("playground", turns)
        return [{"kind": each.kind, "turn": each.turn} for each in review.moments]


def _turn(explained: Explanation, speaker: str, draft: Draft | None) -> dict[str, Any]:
    marks = [
        Mark(trace.start, trace.end, trace.severity or "notice", trace.rule.id)
        for trace in explained.traces
        if trace.is_hit
    ]
    own = draft.ids if draft else frozenset()
    plain = explained.as_dict()
    for found in plain["found"]:
        found["draft"] = found["rule"] in own
        found["around"] = [explained.text[: found["start"]], explained.text[found["end"] :]]
    return {"speaker": speaker, "segments": cut(explained.text, marks), **plain}


def _row(change: Change) -> dict[str, Any]:
    hit, said = change.hit, change.said
    return {
        "call_id": change.call_id,
        "turn": change.turn,
        "speaker": said.speaker,
        "rule": hit.rule,
        "around": [said.text[: hit.start], said.text[hit.end :]],
        "text": hit.text,
        "before": None
        if change.before is None
        else {"speaker": change.before.speaker, "text": change.before.text},
    }


def _ids(book: Rulebook) -> set[str]:
    return {rule.id for rule in book.rules}
