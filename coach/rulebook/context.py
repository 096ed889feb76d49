"""What the customer said last decides some hits: 你什么时候需要 hurts only somebody in a hurry."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from coach.language.compiled import Encoded
from coach.language.text import normalize
from coach.rulebook.rules import stands

if TYPE_CHECKING:
    from coach.language.compiled import CompiledPattern
    from coach.language.tokens import Tokenizer
    from coach.rulebook.rules import RuleException
    from coach.rulebook.trace import Findings, Trace


@dataclass(frozen=True, slots=True)
class Context:
    """Words of the customer that a hit needs (`require`) or that excuse it (`cancel`).

    Attributes:
        rules, categories: which hits it is about; a rule is named by its id.
        because: why the hit does not count, read by supervisors.
    """

    name: str
    effect: str
    rules: frozenset[str]
    categories: frozenset[str]
    because: str
    patterns: tuple[CompiledPattern, ...]
    exceptions: tuple[RuleException, ...]

    def concerns(self, rule: str, category: str) -> bool:
        """Tell whether hits of this rule depend on the context."""
        return rule in self.rules or category in self.categories


def in_context(findings: Findings, *, customer: str, tokenizer: Tokenizer) -> Findings:
    """Stop the hits that what the customer said last does not bear out.

    Args:
        customer: the customer's last utterance, "" when there is none. Nothing known bears out nothing
            that is required, and excuses nothing.
    """
    if not any(trace.rule.contexts and trace.is_hit for trace in findings.traces):
        return findings
    encoded = Encoded(tokenizer.cut(normalize(customer).text), closed=True, tokenizer=tokenizer)
    return replace(findings, traces=tuple(_judge(trace, encoded) for trace in findings.traces))


def _judge(trace: Trace, encoded: Encoded) -> Trace:
    if trace.is_hit:
        for context in trace.rule.contexts:
            if stands(context, encoded) is (context.effect == "cancel"):
                return replace(trace, stopped=context.because, stopped_by="context")
    return trace
