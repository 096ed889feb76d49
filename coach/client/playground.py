"""Trying sentences and drafts of rules; nothing here changes a rule in force (docs/client.md)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypedDict

from coach.client import playground_requests

if TYPE_CHECKING:
    from typing import Unpack

    from coach.client.carrier import AsyncCarrier, Carrier
    from coach.client.playground_answers import (
        Effect,
        Explained,
        JudgedDraft,
        RuleFile,
        RuleText,
        WrittenRules,
    )
    from coach.client.playground_requests import PhaseName


class Setting(TypedDict, total=False):
    """What a sentence is said in: what the `customer` said before, who speaks, when; `yaml` is a draft to try."""

    customer: str
    speaker: Literal["agent", "customer"]
    phase: PhaseName
    yaml: str


class Playground:
    """A place to try rules. Needs the role supervisor, reviewer or admin."""

    def __init__(self, carrier: Carrier) -> None:
        self._carrier = carrier

    def rules(self) -> WrittenRules:
        """Return the rules that can be taken as a draft, and a template."""
        return self._carrier.ask(playground_requests.rules())

    def rule(self, rule_id: str) -> RuleText:
        """Return one rule (`category/name`) as it is written."""
        return self._carrier.ask(playground_requests.rule(rule_id))

    def explain(self, text: str, **setting: Unpack[Setting]) -> Explained:
        """Return what the rules say to a sentence, or to a call written as lines `客服：…` and `客户：…`.

        Raises:
            RefusedError: `too_slow`: a pattern of the draft explodes; `busy`.
        """
        return self._carrier.ask(playground_requests.explain(text, **setting))

    def draft(self, yaml: str) -> JudgedDraft:
        """Return what is wrong with a draft, and which of its examples hold. Raises as `explain` does."""
        return self._carrier.ask(playground_requests.draft(yaml))

    def effect(self, yaml: str, *, calls: int = 50) -> Effect:
        """Return which hits a draft would add and take away in so many stored calls. Raises as `explain` does."""
        return self._carrier.ask(playground_requests.effect(yaml, calls=calls))

    def file(self, yaml: str) -> RuleFile:
        """Return the rule file with a draft in its place, to be put under version control.

        Raises:
            RefusedError: `invalid_field`: the draft is wrong.
        """
        return self._carrier.ask(playground_requests.file(yaml))


class AsyncPlayground:
    """The same on an event loop; `Playground` describes the methods."""

    def __init__(self, carrier: AsyncCarrier) -> None:
        self._carrier = carrier

    async def rules(self) -> WrittenRules:
        """See `Playground.rules`."""
        return await self._carrier.ask(playground_requests.rules())

    async def rule(self, rule_id: str) -> RuleText:
        """See `Playground.rule`."""
        return await self._carrier.ask(playground_requests.rule(rule_id))

    async def explain(self, text: str, **setting: Unpack[Setting]) -> Explained:
        """See `Playground.explain`."""
        return await self._carrier.ask(playground_requests.explain(text, **setting))

    async def draft(self, yaml: str) -> JudgedDraft:
        """See `Playground.draft`."""
        return await self._carrier.ask(playground_requests.draft(yaml))

    async def effect(self, yaml: str, *, calls: int = 50) -> Effect:
        """See `Playground.effect`."""
        return await self._carrier.ask(playground_requests.effect(yaml, calls=calls))

    async def file(self, yaml: str) -> RuleFile:
        """See `Playground.file`."""
        return await self._carrier.ask(playground_requests.file(yaml))
