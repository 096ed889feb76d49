"""Explain what the rules make of one sentence: the answer to "why this alarm" and "why no alarm"."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from coach.rulebook.context import in_context
from coach.rulebook.examples import split_customer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from coach.rulebook.book import Rulebook
    from coach.rulebook.matcher import Trace


@dataclass(frozen=True, slots=True)
class Explanation:
    """What was seen in one sentence, ready to print or to send as JSON."""

    text: str
    normalized: str
    tokens: tuple[str, ...]
    traces: tuple[Trace, ...]
    suggestions: dict[str, tuple[str, ...]]

    def as_dict(self) -> dict[str, Any]:
        """Return plain values for machines."""
        return {
            "text": self.text,
            "normalized": self.normalized,
            "tokens": list(self.tokens),
            "found": [
                {
                    "rule": trace.rule.id,
                    "status": trace.rule.status,
                    "severity": trace.severity,
                    "pattern": trace.pattern,
                    "start": trace.start,
                    "end": trace.end,
                    "text": self.text[trace.start : trace.end],
                    "by_sound": trace.by_sound,
                    "parts": trace.parts,
                    "modifiers": list(trace.modifiers),
                    "stopped_by": trace.stopped_by,
                    "stopped": trace.stopped,
                    "shown": trace.is_hit and trace.rule.status == "stable",
                    "suggestions": list(self.suggestions.get(trace.rule.id, ())),
                }
                for trace in self.traces
            ],
        }

    def as_text(self) -> str:
        """Return an account for a supervisor, in Chinese."""
        lines = [f"原文    {self.text}", f"规整后  {self.normalized}"]
        lines.append(
            f"分词    {'/'.join(self.tokens) if self.tokens else '（没有任何规则的锚词，不必分词）'}"
        )
        if not self.traces:
            return "\n".join([*lines, "结果    没有规则命中"])
        for trace in self.traces:
            marked = (
                f"{self.text[: trace.start]}【{self.text[trace.start : trace.end]}】{self.text[trace.end :]}"
            )
            lines += [
                "",
                f"{trace.rule.id}  {trace.rule.title}",
                f"  句式  {trace.pattern}",
                f"  位置  {marked}",
            ]
            if trace.by_sound:
                lines.append("  读音  按读音命中：识别结果里是同音字")
            lines += [f"  成分  {name} = {value}" for name, value in trace.parts.items()]
            if trace.stopped_by:
                what = {"exception": "例外", "sentence": "句类", "modifier": "修饰", "context": "语境"}[
                    trace.stopped_by
                ]
                lines.append(f"  不提示  被{what}拦下：{trace.stopped}")
                continue
            if trace.rule.status != "stable":
                lines.append(f"  不提示  规则还在 {trace.rule.status} 阶段，只供复核")
                continue
            softened = f"（由 {trace.rule.severity} 减轻）" if trace.severity != trace.rule.severity else ""
            lines.append(f"  提示  {trace.severity}{softened}")
            lines += [f"  话术  {text}" for text in self.suggestions.get(trace.rule.id, ())]
        return "\n".join(lines)


def explain(book: Rulebook, text: str, *, slots: Mapping[str, str] | None = None) -> Explanation:
    """Explain one sentence said by an agent, with every rule that is not retired or a draft.

    Args:
        text: the sentence; what the customer said before may stand in front of it in 〔〕.
    """
    customer, text = split_customer(text)
    matcher = book.matcher(statuses=("stable", "trial"), speaker="agent")
    findings = in_context(matcher.find(text), customer=customer, tokenizer=book.tokenizer)
    suggestions = {
        trace.rule.id: tuple(
            phrase
            for _, phrase in book.phrasebook.choose(trace.rule.suggest, {**(slots or {}), **trace.parts})
        )
        for trace in findings.traces
        if trace.is_hit
    }
    return Explanation(text, findings.normalized.text, findings.tokens, findings.traces, suggestions)
