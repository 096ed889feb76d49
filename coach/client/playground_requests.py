"""What a client may ask to try rules out, each request described once."""

from __future__ import annotations

from typing import Any, Literal

from coach.client.errors import RefusedError
from coach.client.playground_answers import Effect, Explained, JudgedDraft, RuleFile, RuleText, WrittenRules
from coach.client.requests import Ask, post, segment

PhaseName = Literal["opening", "identity", "inquiry", "handling", "closing"]


def rules() -> Ask[WrittenRules]:
    """Ask for the rules that can be taken as a draft."""
    return Ask("GET", "/v1/playground/rules", WrittenRules)


def rule(rule_id: str) -> Ask[RuleText]:
    """Ask for one rule as it is written.

    Raises:
        RefusedError: this cannot be the id of a rule.
    """
    category, _, name = rule_id.partition("/")
    if not (category and name):
        message = f"rule_id: 收到 {rule_id!r}，应如 ignorance/bare-dont-know"
        raise RefusedError("invalid_field", message, field="rule_id")
    path = f"/v1/playground/rules/{segment(category=category)}/{segment(name=name)}"
    return Ask("GET", path, RuleText)


def explain(
    text: str,
    *,
    customer: str = "",
    speaker: Literal["agent", "customer"] = "agent",
    phase: PhaseName | None = None,
    yaml: str | None = None,
) -> Ask[Explained]:
    """Ask what the rules say to a sentence or a call."""
    body: dict[str, Any] = {"text": text, "customer": customer, "speaker": speaker}
    return post("/v1/playground/explain", {**body, "phase": phase, "yaml": yaml}, Explained)


def draft(yaml: str) -> Ask[JudgedDraft]:
    """Ask what is wrong with a draft."""
    return post("/v1/playground/draft", {"yaml": yaml}, JudgedDraft)


def effect(yaml: str, *, calls: int = 50) -> Ask[Effect]:
    """Ask which hits a draft would add and take away."""
    return post("/v1/playground/effect", {"yaml": yaml, "calls": calls}, Effect)


def file(yaml: str) -> Ask[RuleFile]:
    """Ask for the file that a draft belongs into."""
    return post("/v1/playground/file", {"yaml": yaml}, RuleFile)
