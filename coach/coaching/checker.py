"""Text to hits: the rules in force, and what of their finds an agent would be shown.

Pure and picklable. `check` costs next to nothing when there is nothing to find, which is nearly always.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from coach.coaching.events import Hit
from coach.language.compiled import Encoded
from coach.language.text import normalize
from coach.rulebook.context import in_context
from coach.rulebook.rules import stands

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from coach.coaching.events import Speaker
    from coach.language.compiled import CompiledPattern
    from coach.rulebook.book import Rulebook
    from coach.rulebook.matcher import Matcher
    from coach.rulebook.rules import Modifier
    from coach.rulebook.trace import Findings, Trace


class Checker:
    """Checks utterances against one rule book.

    Args:
        rulebook: the rules; a checker never changes its rule book, a reload makes a new checker.
        sound: also find rules whose words the recogniser misheard (closed text only).
    """

    def __init__(self, rulebook: Rulebook, *, sound: bool = True) -> None:
        self.rulebook = rulebook
        self.digest = rulebook.digest
        self._sound = sound
        # One matcher a speaker: what customers signal need not be looked for in what agents say.
        self._matchers: dict[tuple[Speaker, bool], Matcher] = {}
        shown = self._matcher("agent", trial=False)
        self._scan = shown.scan
        self._prepare = shown.prepare
        self._search = shown.search
        self._misheard = shown.misheard
        self._doubtful = shown.doubtful

    def __reduce__(self) -> tuple[Callable[..., Checker], tuple[Rulebook]]:
        """Pickle by rule book."""
        return partial(type(self), sound=self._sound), (self.rulebook,)

    def check(
        self,
        text: str,
        *,
        speaker: Speaker = "agent",
        phase: str | None = None,
        final: bool = True,
        trial: bool = False,
        customer: str = "",
    ) -> tuple[Hit, ...]:
        """Find what should be said otherwise.

        Args:
            text: one utterance, as the recogniser wrote it.
            speaker: rules hold for a speaker; nothing is ever found for an unknown one.
            phase: phase of the call, if known; None lets the rules of every phase through.
            final: False for partial text; hits that words still to come could undo have `settled=False`.
            trial: also apply rules on trial, which agents are never shown.
            customer: what the customer said last, for the rules that depend on it; "" when not known.

        Returns:
            Hits in order of appearance; offsets are characters of `text`.
        """
        if speaker == "agent" and not trial:
            # Nearly every call ends here; each function call saved is a tenth of what it costs.
            try:
                found = self._scan(text)
                if not found and not (final and (self._misheard(text) or self._doubtful(text))):
                    return ()
                prepared = self._prepare(text, found, closed=final)
            except UnicodeEncodeError:
                pass  # a lone surrogate: `find` replaces it
            else:
                if prepared is None:
                    return ()
                findings = self._search(*prepared, closed=final)
                return self._hits(text, findings, phase=phase, customer=customer)
        if speaker == "unknown":
            return ()
        findings = self._matcher(speaker, trial=trial).find(text, closed=final)
        return self._hits(text, findings, phase=phase, customer=customer)

    def check_many(
        self, texts: Sequence[str], *, speaker: Speaker = "agent", final: bool = True, trial: bool = False
    ) -> Iterator[tuple[int, tuple[Hit, ...]]]:
        """Check many utterances of one speaker: yield index and hits of those that have any, in order.

        The same hits as `check` one by one, in less time, because nearly all of the texts share one scan.
        """
        if speaker == "unknown":
            return
        matcher = self._matcher(speaker, trial=trial)
        for index in matcher.suspicious(texts, closed=final):
            hits = self.check(texts[index], speaker=speaker, final=final, trial=trial)
            if hits:
                yield index, hits

    def _hits(self, text: str, findings: Findings, *, phase: str | None, customer: str) -> tuple[Hit, ...]:
        if not findings.traces:
            return ()
        findings = in_context(findings, customer=customer, tokenizer=self.rulebook.tokenizer)
        return tuple(
            [
                self._hit(trace, text)
                for trace in findings.traces
                if trace.is_hit and (phase is None or trace.rule.phases is None or phase in trace.rule.phases)
            ]
        )

    def examine(
        self,
        text: str,
        *,
        speaker: Speaker = "agent",
        final: bool = True,
        trial: bool = False,
        customer: str = "",
    ) -> Findings:
        """Return everything the search saw, including what was stopped and why."""
        findings = self._matcher(speaker, trial=trial).find(text, closed=final)
        return in_context(findings, customer=customer, tokenizer=self.rulebook.tokenizer)

    def may_find(self, text: str) -> bool:
        """Tell at little cost whether a rule for agents could be found in `text`, misheard words apart."""
        return self._matcher("agent", trial=False).may_find(text)

    def _matcher(self, speaker: Speaker, *, trial: bool) -> Matcher:
        matcher = self._matchers.get((speaker, trial))
        if matcher is None:
            statuses = ("stable", "trial") if trial else ("stable",)
            matcher = self.rulebook.matcher(statuses=statuses, speaker=speaker, sound=self._sound)
            self._matchers[speaker, trial] = matcher
        return matcher

    def says(self, patterns: Iterable[CompiledPattern], text: str) -> bool:
        """Tell whether one of `patterns` stands in `text`."""
        encoded = self._encode(text)
        return any(True for pattern in patterns for _ in pattern.find(encoded))

    def makes_up(self, category: str, text: str) -> bool:
        """Tell whether `text` holds what makes up for a fault of `category` (an offer, say)."""
        encoded = self._encode(text)
        return any(stands(modifier, encoded) for modifier in self._repairs(category))

    def made_up(self, rule: str, text: str, *, final: bool) -> bool:
        """Tell whether `rule` is found in `text` but made up for in the same breath."""
        repairs = {modifier.name for modifier in self._repairs(rule.split("/", 1)[0])}
        return any(
            trace.rule.id == rule and trace.stopped_by == "modifier" and repairs.intersection(trace.modifiers)
            for trace in self.examine(text, final=final).traces
        )

    def _repairs(self, category: str) -> list[Modifier]:
        """Modifiers that come after a hit and so repair it; a quote or a condition only explains it away."""
        return [
            modifier
            for modifier in self.rulebook.modifiers
            if modifier.where != "before" and (modifier.categories is None or category in modifier.categories)
        ]

    def _encode(self, text: str) -> Encoded:
        tokenizer = self.rulebook.tokenizer
        return Encoded(tokenizer.cut(normalize(text).text), closed=True, tokenizer=tokenizer)

    def warm(self) -> None:
        """Load dictionaries and automata now, so that no call waits for them."""
        self.rulebook.tokenizer.warm()
        self.check("我部知道您说的是什么")
        self.check("这个我不知道，您去问别人吧")
        self._matcher("agent", trial=False).warm()

    def compile(self) -> Iterator[None]:
        """Compile the patterns of what agents are shown ahead, as `Matcher.compile` does."""
        return self._matcher("agent", trial=False).compile()

    def _hit(self, trace: Trace, text: str) -> Hit:
        rule = trace.rule
        return Hit(
            rule=rule.id,
            category=rule.category,
            title=rule.title,
            severity=trace.severity or "notice",
            start=trace.start,
            end=trace.end,
            text=text[trace.start : trace.end],
            by_sound=trace.by_sound,
            settled=trace.settled,
            parts=trace.parts,
            suggest=rule.suggest,
            why=rule.explain,
            digest=self.digest,
        )
