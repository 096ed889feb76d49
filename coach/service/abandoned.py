"""Calls on disk that nobody ended and that have been silent for long."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from sqlalchemy import func, select

from coach.service import schema
from coach.service.database import DatabaseAwayError

if TYPE_CHECKING:
    from coach.service.calls import Calls
    from coach.service.store import Store

log = logging.getLogger(__name__)


async def end_abandoned_forever(calls: Calls, *, timeout_s: float) -> None:
    """End abandoned calls every `timeout_s`, until cancelled; 0: never.

    The first time is `timeout_s` after the start: a call that a restart interrupted has its whole time again.
    """
    while timeout_s:
        await asyncio.sleep(timeout_s)
        try:
            # One worker at a time, and each call once.
            if await calls.ownership.may("sweep", for_s=max(1, int(timeout_s / 2))):
                await calls.end_abandoned()
        except DatabaseAwayError as error:
            log.error("查找无人结束的通话失败，稍后重试：%s", error.reason)  # noqa: TRY400 - no trace


async def find_abandoned(store: Store, *, silent_since: float, limit: int) -> list[str]:
    """List open calls whose last stored words were said before `silent_since`, oldest first.

    Args:
        silent_since: seconds since 1970.
    """
    calls, words = schema.calls.c, schema.utterances.c
    last_ms = select(func.max(words.end_ms)).where(words.call_id == calls.call_id).scalar_subquery()
    query = (
        select(calls.call_id)
        .where(
            calls.ended_ms.is_(None),
            calls.started_at < silent_since,
            calls.started_at + func.coalesce(last_ms, 0) / 1000.0 < silent_since,
        )
        .order_by(calls.started_at)
        .limit(limit)
    )
    async with store.reading() as connection:
        return list((await connection.execute(query)).scalars())
