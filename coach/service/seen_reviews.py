"""The reviews that somebody may see. A supervisor of teams sees those whose calls are all of his teams.

Reports add up, so a review of several teams cannot be shown in part; what could not be read is nobody's.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

import orjson

from coach.errors import MessageError

if TYPE_CHECKING:
    from pathlib import Path

    from coach.service.review_record import ReviewRecord
    from coach.service.review_requests import Visitor
    from coach.service.reviews import Reviews

_RESULTS: Final = "results.jsonl"
_REJECTS: Final = "rejects.jsonl"
_NOBODYS: Final = frozenset({""})


class SeenReviews:
    """Looks up reviews for visitors."""

    def __init__(self, reviews: Reviews) -> None:
        self._reviews = reviews
        # By review: when its results were written, in ns, and the teams of its calls.
        self._teams: dict[str, tuple[int, frozenset[str]]] = {}

    async def get(self, review_id: str, visitor: Visitor) -> ReviewRecord:
        """Return one review.

        Raises:
            MessageError: `not_found`, also for what the visitor may not see.
        """
        record = self._reviews.get(review_id, visitor.owner)
        if not await self._seen(record, visitor):
            raise MessageError("not_found", "没有这次质检，可能已经删除", field="id")
        return record

    async def listed(self, visitor: Visitor) -> list[ReviewRecord]:
        """List what a visitor may see, youngest first."""
        records = self._reviews.listed(visitor.owner)
        for gone in self._teams.keys() - {record.id for record in records}:
            del self._teams[gone]
        return [record for record in records if await self._seen(record, visitor)]

    async def _seen(self, record: ReviewRecord, visitor: Visitor) -> bool:
        if visitor.teams is None:
            return True
        # Before it is done nobody knows whose calls they are.
        if record.state != "finished":
            return False
        return await self._teams_of(record.id) <= set(visitor.teams)

    async def _teams_of(self, review_id: str) -> frozenset[str]:
        out = self._reviews.out(review_id)
        try:
            written = (out / _RESULTS).stat().st_mtime_ns
            known = self._teams.get(review_id)
            if known is None or known[0] != written:
                known = self._teams[review_id] = written, await asyncio.to_thread(_read_teams, out)
        except (OSError, ValueError, KeyError, TypeError):
            return _NOBODYS
        return known[1]


def _read_teams(out: Path) -> frozenset[str]:
    """Return the teams of the calls; "" is among them when the team of any is not known."""
    with (out / _RESULTS).open("rb") as lines:
        teams = frozenset(str(orjson.loads(line)["team"]) for line in lines)
    rejects = out / _REJECTS
    return teams | _NOBODYS if not teams or (rejects.exists() and rejects.stat().st_size) else teams
