"""How agents are called in a report: by their own ids, or by pseudonyms that stay the same in one run."""

from __future__ import annotations

from dataclasses import dataclass, field

_SPOKEN = (
    str.maketrans("0123456789", "零一二三四五六七八九"),
    str.maketrans("0123456789", "零幺二三四五六七八九"),
)
# A shorter id occurs in texts by chance: agent 12, "12 元".
_TELLING = 4


@dataclass(slots=True)
class AgentNames:
    """Names agents.

    Args:
        anonymous: number them A01, A02 … in the order of their first calls.
        prefix: what stands before the number.
    """

    anonymous: bool = True
    prefix: str = "坐席 "
    _numbers: dict[str, int] = field(default_factory=dict)

    def of(self, agent_id: str) -> str:
        """Return the name to show; "" for a call without an agent."""
        if not agent_id or not self.anonymous:
            return agent_id
        number = self._numbers.setdefault(agent_id, len(self._numbers) + 1)
        return f"{self.prefix}A{number:02d}"

    def hide(self, text: str, agent_id: str) -> str:
        """Return the text without the agent's own id, also as it is spoken digit by digit."""
        if not self.anonymous or len(agent_id) < _TELLING:
            return text
        for written in {agent_id, *(agent_id.translate(digits) for digits in _SPOKEN)}:
            if written in text:
                text = text.replace(written, "＊" * len(written))
        return text
