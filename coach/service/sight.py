"""Which calls somebody may see: the one rule of it.

An agent sees his own, a supervisor's token those of its teams, everybody else all of the tenant.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sqlalchemy import and_, select, true

from coach.service import schema

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement


@dataclass(frozen=True, slots=True)
class Sight:
    """Calls of one agent, or of some teams; None: no such limit. A call of no team is no team's."""

    agent_id: str | None = None
    teams: tuple[str, ...] | None = None

    @property
    def whole(self) -> bool:
        """Tell whether it is every call of the tenant."""
        return self.agent_id is None and self.teams is None

    def covers_team(self, team: str | None) -> bool:
        """Tell whether what a team has is in sight."""
        return self.teams is None or team in self.teams

    def covers(self, *, agent_id: str, team: str | None) -> bool:
        """Tell whether a call is in sight."""
        return self.agent_id in {None, agent_id} and self.covers_team(team)

    def of_calls(self) -> ColumnElement[bool]:
        """Return the same as a condition on the table of the calls."""
        calls = schema.calls.c
        wanted: list[ColumnElement[bool]] = []
        if self.agent_id is not None:
            wanted.append(calls.agent_id == self.agent_id)
        if self.teams is not None:
            wanted.append(calls.team.in_(self.teams))
        return and_(true(), *wanted)

    def of_call(self, call_id: ColumnElement[str]) -> ColumnElement[bool]:
        """Return the same as a condition on a column that names a call."""
        return true() if self.whole else call_id.in_(select(schema.calls.c.call_id).where(self.of_calls()))


EVERYTHING: Final = Sight()
NOTHING: Final = Sight(teams=())
