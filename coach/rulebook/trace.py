"""What a search saw in one utterance: every find, and what became of it. Values only."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from coach.language.text import Normalized
    from coach.rulebook.models import SeverityName
    from coach.rulebook.rules import Rule

# What can keep a find from being a hit. The last depends on the phase of the call: `rulebook.explain` says it.
Stopper = Literal["exception", "sentence", "modifier", "context", "opinion", "phase"]


# Neither is ever changed; see `language.compiled.Found`.
@dataclass(slots=True)
class Trace:
    """A pattern of a rule found in an utterance, and what became of it.

    Attributes:
        start, end: characters of the original text.
        severity: after modifiers; None when one of them cancelled the hit.
        stopped: why it is no hit, in words for a supervisor; "" for a hit.
        stopped_by: "" for a hit.
        settled: False while words still to come could undo it.
    """

    rule: Rule
    pattern: str
    start: int
    end: int
    severity: SeverityName | None
    parts: dict[str, str] = field(default_factory=dict)
    stopped: str = ""
    stopped_by: Stopper | Literal[""] = ""
    modifiers: tuple[str, ...] = ()
    by_sound: bool = False
    settled: bool = True

    @property
    def is_hit(self) -> bool:
        """Whether nothing stopped it."""
        return self.severity is not None and not self.stopped_by


@dataclass(slots=True)
class Findings:
    """All that a search saw. `tokens` is empty when the prefilter found nothing to look at."""

    normalized: Normalized
    tokens: tuple[str, ...] = ()
    traces: tuple[Trace, ...] = ()
