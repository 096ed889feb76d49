"""Explain what the rules make of one sentence: the answer to "why this alarm" and "why no alarm"."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from coach.language.compiled import Encoded
from coach.rulebook.context import in_context
from coach.rulebook.examples import split_customer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from coach.rulebook.book import Rulebook
    from coach.rulebook.draft import Draft
    from coach.rulebook.matcher import Matcher
    from coach.rulebook.trace import Findings, Stopper, Trace

PHASE_TITLES = {
    "opening": "开场",
    "identity": "核身",
    "inquiry": "询问",
    "handling": "处理",
    "closing": "结束",
}
_STOPPERS: Final[dict[Stopper, str]] = {
    "exception": "例外",
    "sentence": "句类",
    "modifier": "修饰",
    "context": "语境",
    "phase": "阶段",
    "opinion": "第二意见",
}


@dataclass(frozen=True, slots=True)
class Account:
    """One find with all that speaks for and against it.

    Attributes:
        patterns: every pattern of the rule that is found at that place; the longest find comes first.
        exceptions: (pattern, reason) of every exception that overlaps it.
        suggestions: what the card offers, slots filled; empty when nothing is shown.
    """

    trace: Trace
    patterns: tuple[str, ...]
    exceptions: tuple[tuple[str, str], ...]
    suggestions: tuple[str, ...]

    @property
    def shown(self) -> bool:
        """Whether the agent would see a card."""
        return self.trace.is_hit and self.trace.rule.status == "stable"


@dataclass(frozen=True, slots=True)
class Explanation:
    """What was seen in one sentence, ready to print or to send as JSON."""

    text: str
    customer: str
    normalized: str
    tokens: tuple[str, ...]
    accounts: tuple[Account, ...]

    @property
    def traces(self) -> tuple[Trace, ...]:
        """Return every find."""
        return tuple(account.trace for account in self.accounts)

    def as_dict(self) -> dict[str, Any]:
        """Return plain values for machines."""
        return {
            "text": self.text,
            "customer": self.customer,
            "normalized": self.normalized,
            "tokens": list(self.tokens),
            "found": [_as_dict(account, self.text) for account in self.accounts],
        }

    def as_text(self) -> str:
        """Return an account for a supervisor, in Chinese."""
        lines = [f"客户先说  {self.customer}"] if self.customer else []
        lines += [f"原文    {self.text}", f"规整后  {self.normalized}", f"分词    {'/'.join(self.tokens)}"]
        if not self.accounts:
            return "\n".join([*lines, "结果    没有规则命中"])
        for account in self.accounts:
            lines += ["", *_as_text(account, self.text)]
        return "\n".join(lines)


class Explainer:
    """Explains sentences with one rule book, and with a draft in place of some of its rules.

    Args:
        book: every rule that is not retired or a draft is explained.
    """

    def __init__(self, book: Rulebook) -> None:
        self.book = book
        self._matchers: dict[str, Matcher] = {}
        self._draft: Draft | None = None
        self._draft_matchers: dict[str, Matcher] = {}

    def explain(
        self,
        text: str,
        *,
        customer: str = "",
        speaker: str = "agent",
        phase: str | None = None,
        draft: Draft | None = None,
        slots: Mapping[str, str] | None = None,
    ) -> Explanation:
        """Explain one sentence.

        Args:
            text: the sentence; what the customer said before may stand in front of it in 〔〕.
            customer: what the customer said before, when it does not stand there.
            speaker: "agent" or "customer".
            phase: phase of the call; None lets the rules of every phase through.
            draft: its rules count instead of those of the same ids, whatever their status.
            slots: what is known about the call, for the phrases.
        """
        before, text = split_customer(text)
        customer = before or customer
        parts = [(self._matcher(speaker), draft.ids if draft else frozenset[str](), True)]
        if draft is not None:
            parts.append((self._matcher_of(draft, speaker), frozenset[str](), False))
        accounts: list[Account] = []
        normalized, tokens = text, tuple[str, ...]()
        for matcher, without, in_force in parts:
            found = matcher.find(text)
            kept = tuple(trace for trace in found.traces if trace.rule.id not in without)
            found = in_context(replace(found, traces=kept), customer=customer, tokenizer=matcher.tokenizer)
            if in_force:
                normalized = found.normalized.text
            tokens = tokens or found.tokens
            accounts += self._accounts(found, phase, slots or {})
        accounts.sort(key=lambda one: (one.trace.start, one.trace.end, one.trace.rule.id))
        return Explanation(
            text,
            customer,
            normalized,
            tokens or tuple(self.book.tokenizer.cut(normalized)),
            tuple(accounts),
        )

    def _accounts(self, found: Findings, phase: str | None, slots: Mapping[str, str]) -> list[Account]:
        accounts: list[Account] = []
        encoded: Encoded | None = None
        for trace in found.traces:
            if encoded is None:
                encoded = Encoded(list(found.tokens), closed=True, tokenizer=self.book.tokenizer)
            judged = _in_phase(trace, phase)
            accounts.append(
                Account(
                    judged,
                    _patterns(judged, found, encoded),
                    _exceptions(judged, found, encoded),
                    tuple(
                        phrase
                        for _, phrase in self.book.phrasebook.choose(
                            judged.rule.suggest, {**slots, **judged.parts}
                        )
                    )
                    if judged.is_hit
                    else (),
                )
            )
        return accounts

    def _matcher(self, speaker: str) -> Matcher:
        matcher = self._matchers.get(speaker)
        if matcher is None:
            matcher = self._matchers[speaker] = self.book.matcher(
                statuses=("stable", "trial"), speaker=speaker
            )
        return matcher

    def _matcher_of(self, draft: Draft, speaker: str) -> Matcher:
        if draft is not self._draft:
            self._draft, self._draft_matchers = draft, {}
        matcher = self._draft_matchers.get(speaker)
        if matcher is None:
            matcher = self._draft_matchers[speaker] = draft.book.matcher(
                statuses=("draft", "trial", "stable"), speaker=speaker
            )
        return matcher


def explain(book: Rulebook, text: str, *, slots: Mapping[str, str] | None = None) -> Explanation:
    """Explain one sentence said by an agent; see `Explainer.explain`."""
    return Explainer(book).explain(text, slots=slots)


def _in_phase(trace: Trace, phase: str | None) -> Trace:
    phases = trace.rule.phases
    if not trace.is_hit or phase is None or phases is None or phase in phases:
        return trace
    held = "、".join(PHASE_TITLES.get(name, name) for name in sorted(phases))
    return replace(trace, stopped=f"规则只管这些阶段：{held}", stopped_by="phase")


def _patterns(trace: Trace, found: Findings, encoded: Encoded) -> tuple[str, ...]:
    others = () if trace.by_sound else trace.rule.patterns
    return (
        # What the second opinion found has none.
        *filter(None, (trace.pattern,)),
        *(
            pattern.source
            for pattern in others
            if pattern.source != trace.pattern
            and any(_over(trace, found, one.start, one.end) for one in pattern.find(encoded))
        ),
    )


def _exceptions(trace: Trace, found: Findings, encoded: Encoded) -> tuple[tuple[str, str], ...]:
    if trace.stopped_by != "exception" or trace.by_sound:
        return ()
    return tuple(
        (exception.pattern.source, exception.because)
        for exception in trace.rule.exceptions
        if any(_over(trace, found, one.start, one.end) for one in exception.pattern.find(encoded))
    )


def _over(trace: Trace, found: Findings, start: int, end: int) -> bool:
    """Tell whether characters of the normalised text overlap a find."""
    left, right = found.normalized.span(start, end)
    return left < trace.end and trace.start < right


def _as_dict(account: Account, text: str) -> dict[str, Any]:
    trace = account.trace
    return {
        "rule": trace.rule.id,
        "category": trace.rule.category,
        "title": trace.rule.title,
        "why": trace.rule.explain,
        "speaker": trace.rule.speaker,
        "status": trace.rule.status,
        "severity": trace.severity,
        "pattern": trace.pattern,
        "patterns": list(account.patterns),
        "start": trace.start,
        "end": trace.end,
        "text": text[trace.start : trace.end],
        "by_sound": trace.by_sound,
        "parts": trace.parts,
        "modifiers": list(trace.modifiers),
        "exceptions": [{"pattern": pattern, "because": because} for pattern, because in account.exceptions],
        "stopped_by": trace.stopped_by,
        "stopped": trace.stopped,
        "shown": account.shown,
        "suggestions": list(account.suggestions),
    }


def _as_text(account: Account, text: str) -> list[str]:
    trace = account.trace
    lines = [f"{trace.rule.id}  {trace.rule.title}"]
    lines += [f"  句式  {pattern}" for pattern in account.patterns]
    lines.append(f"  位置  {text[: trace.start]}【{text[trace.start : trace.end]}】{text[trace.end :]}")
    if trace.by_sound:
        lines.append("  读音  按读音命中：识别结果里是同音字")
    lines += [f"  成分  {name} = {value}" for name, value in trace.parts.items()]
    if trace.stopped_by:
        lines.append(f"  不提示  被{_STOPPERS[trace.stopped_by]}拦下：{trace.stopped}")
        lines += [f"  例外  {pattern}（{because}）" for pattern, because in account.exceptions]
    elif trace.rule.status != "stable":
        lines.append(f"  不提示  规则还在 {trace.rule.status} 阶段，只供复核")
    else:
        softened = f"（由 {trace.rule.severity} 减轻）" if trace.severity != trace.rule.severity else ""
        lines.append(f"  提示  {trace.severity}{softened}")
        if not trace.pattern:
            lines.append(f"  理由  {trace.rule.explain}")
        lines += [f"  话术  {phrase}" for phrase in account.suggestions]
    return lines
