"""What an agent has to say: declared in `must-says.yml` of a rule pack (or of the site), with its examples.

A must-say runs as two quiet rules: one finds that it was said, the other (`when`) that it is asked for.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from coach.rulebook.rules import Rule

if TYPE_CHECKING:
    from coach.rulebook.compile import Compiler, Path
    from coach.rulebook.models import MustSayModel, SpeakerName, WhenModel
    from coach.rulebook.source import Source

FILE = "must-says.yml"
_WHEN = "#when"


@dataclass(frozen=True, slots=True)
class MustSayRule:
    """A must-say that runs.

    Attributes:
        part: short name for the agent.
        within_ms: by when, counted from where it is asked for; None until the end of the call.
        phrase: what to say.
        said: finds that the agent said it.
        when: finds what asks for it; None when every call does.
    """

    id: str
    part: str
    within_ms: int | None
    phrase: str
    explain: str
    source: str
    said: Rule
    when: Rule | None

    @property
    def rules(self) -> tuple[Rule, ...]:
        """The one or two rules it runs as."""
        return (self.said,) if self.when is None else (self.said, self.when)


def compile_must_say(
    model: MustSayModel, source: Source, index: int, *, compiler: Compiler, stem: str
) -> MustSayRule:
    """Compile one entry; what is wrong with it is noted by the compiler.

    Args:
        model: as written.
        source: its file.
        index: its place in the file.
        compiler: of the rule book.
        stem: what its id has to begin with: the pack's name, or `site`.
    """
    path: Path = ["must_says", index]
    if model.id.split("/", 1)[0] != stem:
        compiler.problems.append(source.problem([*path, "id"], f"{model.id!r} 应以 {stem}/ 开头"))
    said = _rule(model, model.id, source, path, compiler, speaker="agent", title=model.part)
    when = None
    if model.when is not None:
        identity = f"{model.id}{_WHEN}"
        when = _rule(model.when, identity, source, [*path, "when"], compiler, speaker="any", title=model.part)
    return MustSayRule(
        id=model.id,
        part=model.part,
        within_ms=None if model.within_s is None else model.within_s * 1000,
        phrase=model.say,
        explain=model.explain,
        source=model.source,
        said=said,
        when=when,
    )


def _rule(
    model: MustSayModel | WhenModel,
    identity: str,
    source: Source,
    path: Path,
    compiler: Compiler,
    *,
    speaker: SpeakerName,
    title: str,
) -> Rule:
    return Rule(
        id=identity,
        category="must-say",
        title=title,
        severity="notice",
        status="stable",
        speaker=speaker,
        phases=None,
        sentence=None,
        patterns=compiler.patterns(model.match, source, [*path, "match"]),
        exceptions=compiler.exceptions(model.except_, source, path),
        suggest=(),
        explain="",
        source="",
        hits=tuple(model.hits),
        misses=tuple(model.misses),
        todo=(),
        file=source.name,
        places=tuple(
            source.place([*path, key, position])
            for key, written in (("hits", model.hits), ("misses", model.misses))
            for position in range(len(written))
        ),
    )
