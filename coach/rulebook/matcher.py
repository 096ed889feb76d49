"""Search one utterance with all rules: prefilter, tokens, patterns, then what may stop a find.

Pure. Says everything it saw (`Trace`), so that `coach rules try` can explain and the checker can choose.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Literal

from coach.language.compiled import CompiledPattern, Encoded, Found
from coach.language.prefilter import Prefilter
from coach.language.repair import Repairer
from coach.language.text import (
    CLAUSE_MARKS,
    Normalized,
    disturbing_pieces,
    normalize,
    normalize_marks,
    well_formed,
)
from coach.language.written import LONGEST_WORD
from coach.rulebook.excepted import Excepted, ExceptionIndex
from coach.rulebook.modified import Modified, ModifierIndex
from coach.rulebook.trace import Findings, Trace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from coach.language.tokens import Tokenizer
    from coach.rulebook.models import SeverityName
    from coach.rulebook.opinion import Opinion
    from coach.rulebook.rules import Modifier, Rule
    from coach.rulebook.trace import Stopper

# One more character moves an inner word boundary in 1.5 % of partial texts, hardly ever further back
# than this; a hit that ends closer to the end of a partial text waits for the next words.
SETTLE_CHARACTERS = 2
# Texts scanned in one go: more gain nothing, and a batch that cannot be encoded is searched one by one.
_BATCH = 500
# Stands between them; part of no word, because normalising never makes one.
_BETWEEN = "\x00"
_CLAUSE_MARK = re.compile(f"[{CLAUSE_MARKS}]")
# May be cut into words longer than those that `CompiledPattern.possible_in` reckons with.
_LONG_RUN = re.compile(f"[^{CLAUSE_MARKS}\u4e00-\u9fff]{{{LONGEST_WORD + 1}}}")


@dataclass(slots=True)
class _Search:
    """One search of one utterance, and what it need not ask twice.

    Attributes:
        settled: by rule and end, whether a find is settled: patterns of a rule often end at the same character.
    """

    encoded: Encoded
    normalized: Normalized
    modified: Modified
    excepted: Excepted
    settled: dict[tuple[str, int], bool]


class Matcher:
    """Searches utterances with a fixed set of rules.

    Args:
        rules: the rules to search with.
        modifiers: applied to every find of a rule whose category they name.
        tokenizer: cuts normalised text.
        sound: also look for the rules' words by sound, in closed text only.
        opinion: reviews every find, and speaks up in closed text where no rule does.
    """

    def __init__(
        self,
        rules: Iterable[Rule],
        *,
        modifiers: Iterable[Modifier],
        tokenizer: Tokenizer,
        sound: bool = True,
        opinion: Opinion | None = None,
    ) -> None:
        self.rules = tuple(rules)
        self.modifiers = tuple(modifiers)
        self.tokenizer = tokenizer
        self._sound = sound
        self._opinion = opinion
        self._owners: list[tuple[Rule, CompiledPattern]] = [
            (rule, pattern) for rule in self.rules for pattern in rule.patterns
        ]
        self._prefilter = Prefilter(
            [pattern.anchors for _, pattern in self._owners], disturbing=disturbing_pieces()
        )
        # Both may be called without a matcher in between, see `Checker.check`: `scan` finds nothing in a text
        # that needs no search, and raises UnicodeEncodeError for one with lone surrogates.
        self.scan = self._prefilter.scan
        self._modifier_index = ModifierIndex(self.modifiers)
        self._exceptions = ExceptionIndex(
            {rule.id: rule.exceptions for rule in self.rules}
            | {rule.sentence.name: rule.sentence.exceptions for rule in self.rules if rule.sentence}
        )
        spoken = partial(_spoken_forms, [pattern for _, pattern in self._owners])
        self._repairer = Repairer(spoken, tokenizer=tokenizer) if sound else None
        self.misheard: Callable[[str], object] = self._repairer.suspects if self._repairer else _nothing
        # Not a method of this object: the ring would keep an old rule book alive until a full collection.
        self.doubtful: Callable[[str], object] = partial(_is_doubtful, opinion) if opinion else _nothing

    def __reduce__(self) -> tuple[Callable[..., Matcher], tuple[object, ...]]:
        """Pickle by what it was made of: automata are rebuilt on the other side."""
        return _rebuild, (self.rules, self.modifiers, self.tokenizer, self._sound, self._opinion)

    def warm(self) -> None:
        """Make the indexes now that a search makes when it first finds something."""
        self._exceptions.warm()

    def compile(self) -> Iterator[None]:
        """Compile one by one, yielding after each, what is otherwise compiled when it is first needed.

        Takes seconds for thousands of patterns; one of large word classes alone takes up to 0.2 s.
        """
        for _, pattern in self._owners:
            pattern.compile()
            yield
        yield from self._exceptions.compile()
        for modifier in self.modifiers:
            for pattern in modifier.patterns:
                pattern.compile()
                yield

    def quiet(self, text: str, *, closed: bool = True) -> bool:
        """Tell at the least cost whether nothing at all can be found in `text`."""
        try:
            return not self.scan(text) and not (closed and (self.misheard(text) or self.doubtful(text)))
        except UnicodeEncodeError:
            return self.quiet(well_formed(text), closed=closed)

    def suspicious(self, texts: Sequence[str], *, closed: bool = True) -> Iterator[int]:
        """Yield the indexes of the texts that are not quiet, scanning many texts in one go."""
        for first in range(0, len(texts), _BATCH):
            batch = texts[first : first + _BATCH]
            joined = _BETWEEN.join(batch)
            try:
                chosen = _texts_at(joined, self.scan(joined))
                if closed and self._repairer is not None:
                    chosen |= _texts_at(joined, self._repairer.suspects(joined))
            except UnicodeEncodeError:
                yield from range(first, first + len(batch))
                continue
            if closed and self._opinion is not None:
                chosen |= {at for at, text in enumerate(batch) if self.doubtful(text)}
            yield from [first + at for at in sorted(chosen)]

    def may_find(self, text: str) -> bool:
        """Tell at little cost whether some pattern could stand in `text` as it is written (sound apart)."""
        try:
            return self.prepare(text, self.scan(text), closed=False) is not None
        except UnicodeEncodeError:
            return self.may_find(well_formed(text))

    def find(self, text: str, *, closed: bool = True, prefilter: bool = True) -> Findings:
        """Search one utterance.

        Args:
            text: as the recogniser wrote it.
            closed: False for partial text, to which words may still be added.
            prefilter: False searches every pattern; for the test that the prefilter loses nothing.
        """
        try:
            found = self.scan(text)
        except UnicodeEncodeError:
            return self.find(well_formed(text), closed=closed, prefilter=prefilter)
        if not prefilter:
            return self.search(normalize(text), list(range(len(self._owners))), closed=closed)
        prepared = self.prepare(text, found, closed=closed)
        return self.search(*prepared, closed=closed) if prepared else Findings(normalize(text))

    def prepare(
        self, text: str, found: list[tuple[int, int, int]], *, closed: bool
    ) -> tuple[Normalized, list[int]] | None:
        """Normalise `text`, given its scan, and number the patterns that could stand in it (sound apart).

        Returns:
            What `search` wants; None when it would find nothing, in text that is not closed.
        """
        moved = False
        written = text
        numbers = self._prefilter.candidates_as_written(text, found)
        if numbers is None:
            moved = True
            text = normalize(text).text
            numbers = self._prefilter.candidates(text, self.scan(text))
        else:
            text = normalize_marks(text)
        if numbers and not _LONG_RUN.search(text):
            # Drops those whose letters do not stand in the right order.
            owners = self._owners
            numbers = [number for number in numbers if owners[number][1].possible_in(text)]
        if not numbers and not closed:
            return None
        return Normalized(written, text, moved=moved), numbers

    def search(self, normalized: Normalized, candidates: Sequence[int], *, closed: bool) -> Findings:
        """Search a normalised utterance with the patterns that could stand in it; `closed` as for `find`."""
        traces: list[Trace] = []
        tokens: list[str] = []
        if candidates:
            tokens = self.tokenizer.cut(normalized.text)
            encoded = Encoded(tokens, closed=closed, tokenizer=self.tokenizer)
            traces = self._search(encoded, candidates, normalized)
        if closed and self._repairer is not None:
            traces += self._search_by_sound(normalized, taken=traces)
        traces = _longest(traces)
        if self._opinion is not None:
            traces = self._opinion.review(normalized, traces, closed=closed, cut=self.tokenizer.cut)
        return Findings(normalized, tuple(tokens), tuple(traces))

    def _search(self, encoded: Encoded, candidates: Sequence[int], normalized: Normalized) -> list[Trace]:
        traces: list[Trace] = []
        search = _Search(
            encoded,
            normalized,
            Modified(self._modifier_index, encoded),
            Excepted(self._exceptions, encoded),
            {},
        )
        for number in candidates:
            rule, pattern = self._owners[number]
            traces += [self._judge(rule, pattern, found, search) for found in pattern.find(encoded)]
        return traces

    def _judge(self, rule: Rule, pattern: CompiledPattern, found: Found, search: _Search) -> Trace:
        encoded, normalized = search.encoded, search.normalized
        exception = search.excepted.stopping(rule.id, found) if rule.exceptions else None
        start, end = normalized.span(found.start, found.end)
        parts = {
            name: normalized.original[slice(*normalized.span(*bounds))]
            for name, bounds in found.parts.items()
        }
        severity: SeverityName | None = rule.severity
        stopped = ""
        stopped_by: Stopper | Literal[""] = ""
        settled = True
        names: tuple[str, ...] = ()
        if rule.sentence is not None and not rule.sentence.covers(encoded, found.start, found.end):
            stopped, stopped_by = f"所在分句不是 {rule.sentence.name} 句", "sentence"
        elif exception is not None:
            stopped, stopped_by = exception.because, "exception"
        else:
            severity, stopped, names = search.modified.apply(rule, found)
            if severity is None:
                stopped_by = "modifier"
            elif not encoded.closed:
                key = rule.id, found.end
                if key not in search.settled:
                    search.settled[key] = _settled(rule, found, search)
                settled = search.settled[key]
        return Trace(
            rule,
            pattern.source,
            start,
            end,
            severity,
            parts=parts,
            stopped=stopped,
            stopped_by=stopped_by,
            modifiers=names,
            settled=settled,
        )

    def _search_by_sound(self, normalized: Normalized, *, taken: list[Trace]) -> list[Trace]:
        if self._repairer is None:
            return []
        repair = self._repairer.repair(normalized.text)
        if repair is None:
            return []
        repaired = normalized.respelled(repair.text)
        tokens = self.tokenizer.cut(repair.text)
        encoded = Encoded(tokens, closed=True, tokenizer=self.tokenizer)
        found = self.scan(repair.text)
        # The written text may hold what the repair hides, so only what the repair adds counts.
        changed = [normalized.span(index, index + 1)[0] for index in repair.changed]
        already = {(trace.rule.id, trace.start, trace.end) for trace in taken}
        return [
            replace(
                trace, by_sound=True, severity="warning" if trace.severity == "violation" else trace.severity
            )
            for trace in self._search(encoded, self._prefilter.candidates(repair.text, found), repaired)
            if any(trace.start <= index < trace.end for index in changed)
            and (trace.rule.id, trace.start, trace.end) not in already
        ]


def _settled(rule: Rule, found: Found, search: _Search) -> bool:
    """Tell whether nothing that is still to be said can undo a find in partial text."""
    text = search.encoded.text
    closed_clause = _CLAUSE_MARK.search(text, found.end) is not None
    if not closed_clause and len(text) - found.end < SETTLE_CHARACTERS:
        return False
    if rule.exceptions and search.excepted.may_come(rule.id, before=found.end):
        return False
    return (
        rule.sentence is None
        or closed_clause
        or not search.excepted.may_come(rule.sentence.name, before=found.end)
    )


def _rebuild(
    rules: tuple[Rule, ...],
    modifiers: tuple[Modifier, ...],
    tokenizer: Tokenizer,
    sound: bool,
    opinion: Opinion | None,
) -> Matcher:
    return Matcher(rules, modifiers=modifiers, tokenizer=tokenizer, sound=sound, opinion=opinion)


def _texts_at(joined: str, places: Iterable[tuple[int, int, object]]) -> set[int]:
    """Number the joined texts in which these places are, given in order."""
    found: set[int] = set()
    number = before = 0
    for start, _, _ in places:
        number += joined.count(_BETWEEN, before, start)
        before = start
        found.add(number)
    return found


def _spoken_forms(patterns: Iterable[CompiledPattern]) -> Iterator[str]:
    for pattern in patterns:
        yield from pattern.spoken_forms()


def _nothing(_text: str) -> tuple[()]:
    return ()


def _is_doubtful(opinion: Opinion, text: str) -> bool:
    return opinion.suspects(normalize_marks(text))


def _longest(traces: list[Trace]) -> list[Trace]:
    """Make overlapping finds of one rule one: a hit before a stopped find, the longest of each."""
    if len(traces) < 2:  # noqa: PLR2004 - nothing to compare
        return traces
    ordered = sorted(
        traces, key=lambda trace: (trace.rule.id, not trace.is_hit, trace.by_sound, trace.start - trace.end)
    )
    kept: list[Trace] = []
    for trace in ordered:
        if not any(
            trace.rule.id == other.rule.id and trace.start < other.end and other.start < trace.end
            for other in kept
        ):
            kept.append(trace)
    return sorted(kept, key=lambda trace: (trace.start, trace.end, trace.rule.id))
