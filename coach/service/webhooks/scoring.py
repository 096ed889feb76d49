"""`call.score`: a call that is over, judged as `coach review` judges a recording, in a process of its own."""

from __future__ import annotations

import asyncio
import logging
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import orjson
from sqlalchemy import select

from coach import shipped
from coach.coaching.review_call import CallReviewer, RecordedTurn
from coach.coaching.scorecard_file import find_scorecard, load_scorecard
from coach.errors import CoachError, RulebookError
from coach.review.judge import Judge
from coach.service import schema
from coach.service.webhooks.events import heading, message_body
from coach.service.workshop import Workshop
from coach.transcripts.model import Place, TranscriptCall

if TYPE_CHECKING:
    from coach.config import Settings
    from coach.rulebook.book import Rulebook
    from coach.service.database import Database
    from coach.service.ruleset import RuleSource
    from coach.service.webhooks.outbox import Due

log = logging.getLogger(__name__)

# A call of an hour takes some tenths of a second.
_LIMIT_S: Final = 30.0
# The words are the platform's already; where a recording was read means nothing here.
_LEFT_OUT: Final = ("id", "source", "turns", "agent_id", "team", "started_at")


class ScoringError(CoachError):
    """A score cannot be made."""


class CallScorer:
    """Scores calls with one rule book; lives in the process of a `Workshop`."""

    def __init__(self, book: Rulebook) -> None:
        self._book = book
        self._reviewer = CallReviewer(book)

    def warm(self) -> None:
        """Load what only some texts need."""
        self._reviewer.warm()

    def score(self, call: TranscriptCall, *, rules_dir: str, masked: bool) -> dict[str, Any]:
        """Judge a call; the answer is `{"problem": …}` when the scorecard is wrong."""
        file = find_scorecard(Path(rules_dir), shipped.rules_dir())
        try:
            # The packs that a card may name are those beside it.
            card = load_scorecard(file, book=self._book, rules_dir=file.parent.parent)
        except RulebookError as error:
            return {"problem": str(error.problems[0])}
        result = Judge(self._reviewer, card, masked=masked).judge(call).result
        told: dict[str, Any] = orjson.loads(result.as_json())
        for name in _LEFT_OUT:
            del told[name]
        told["scorecard"] = {
            "id": card.id,
            "title": card.title,
            "points": card.points,
            "passing": card.passing,
            "digest": card.digest,
        }
        return told


class Scores:
    """Makes the `call.score` of one tenant's calls, one at a time; live calls have the processor first."""

    def __init__(self, database: Database, *, tenant: str, rules: RuleSource, settings: Settings) -> None:
        self._database = database
        self._tenant = tenant
        self._rules = rules
        self._settings = settings
        self._workshop = Workshop(CallScorer)
        self._turn = asyncio.Lock()

    async def body(self, due: Due) -> str:
        """Return what is sent for a row of the outbox.

        Raises:
            ScoringError: the call is gone, or cannot be scored.
            CoachError: the database or the process has no time for it.
        """
        told, call = await self._call(due.call_id)
        try:
            async with self._turn:
                score = await self._workshop.ask(
                    self._rules.current.rulebook,
                    "score",
                    limit_s=_LIMIT_S,
                    call=call,
                    rules_dir=str(self._settings.rules),
                    masked=self._settings.masking,
                )
        except RuntimeError as error:
            # It says where it went wrong, and nothing of what was said.
            log.exception("通话无法评分", extra={"call_id": due.call_id})
            raise ScoringError("评分进程出错，已记入日志") from error
        if "problem" in score:
            raise ScoringError(f"评分表有误：{score['problem']}")
        return message_body(due.type, due.id, at=due.at, tenant=self._tenant, data={**told, **score})

    def close(self) -> None:
        """End the process."""
        self._workshop.close()

    async def _call(self, call_id: str) -> tuple[dict[str, Any], TranscriptCall]:
        calls, utterances = schema.calls, schema.utterances
        said = (
            select(utterances)
            .where(utterances.c.call_id == call_id)
            .order_by(utterances.c.seq, utterances.c.utterance_id)
        )
        async with self._database.reading() as connection:
            row = (await connection.execute(select(calls).where(calls.c.call_id == call_id))).first()
            if row is None:
                raise ScoringError("通话已删除，无法评分")
            turns = [
                RecordedTurn(each.speaker, each.text, each.start_ms, each.end_ms)
                for each in await connection.execute(said)
            ]
        return heading(row), TranscriptCall(
            id=call_id,
            turns=tuple(turns),
            place=Place(""),
            agent_id=row.agent_id,
            # A recording's clock is the center's.
            started_at=datetime.fromtimestamp(row.started_at, UTC).astimezone().replace(tzinfo=None),
            org=orjson.loads(row.slots).get("org", ""),
        )
