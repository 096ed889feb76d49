"""Replacement phrases: what the agent can say instead, with every slot filled or none."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from coach.language.compiled import CompiledPattern

_SLOT = re.compile(r"\{([a-z_]+)\}")
# A reused part longer than this makes a card that cannot be read at a glance.
_MAX_SAID = 40


@dataclass(frozen=True, slots=True)
class Phrase:
    """A phrase an agent can say.

    Attributes:
        say: the wording, with slots such as `{department}`.
        without: the wording when a slot of `say` is not known; "" when there is none.
        when: in which situation it fits, for the author and the documentation.
        said: patterns that count as having said it in one's own words.
    """

    id: str
    say: str
    without: str
    when: str
    said: tuple[CompiledPattern, ...]

    @property
    def slots(self) -> frozenset[str]:
        """Names of the slots of `say`."""
        return frozenset(_SLOT.findall(self.say))

    def fill(self, values: Mapping[str, str]) -> str | None:
        """Return the wording with every slot filled; None when that is not possible.

        A text with a hole is never returned.
        """
        known = {name: values.get(name, "").strip("，。？！； ") for name in self.slots}
        if all(known.values()):
            text = _SLOT.sub(lambda slot: known[slot.group(1)], self.say)
            if len(text) <= _MAX_SAID or not self.without:
                return text
        return self.without or None


class Phrasebook:
    """All phrases by id."""

    def __init__(self, phrases: Iterable[Phrase]) -> None:
        self.phrases = {phrase.id: phrase for phrase in phrases}

    def choose(
        self,
        keys: Iterable[str],
        values: Mapping[str, str],
        *,
        used: Collection[str] = (),
        limit: int = 2,
    ) -> list[tuple[str, str]]:
        """Return up to `limit` (phrase id, text), best first; phrases already used in the call come last."""
        filled = [
            (key, text)
            for key in keys
            if (phrase := self.phrases.get(key)) and (text := phrase.fill(values)) is not None
        ]
        fresh = [pair for pair in filled if pair[0] not in used]
        stale = [pair for pair in filled if pair[0] in used]
        unique: dict[str, tuple[str, str]] = {}
        for key, text in fresh + stale:
            unique.setdefault(text, (key, text))
        return list(unique.values())[:limit]
